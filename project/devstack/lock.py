"""The lock on DATA_DIR: of all systems on one directory, one runs."""

import fcntl
import os
import time
from datetime import timedelta
from pathlib import Path

from project.running import is_alive, read_note

WAIT_FOR_DYING = timedelta(seconds=30)
AGAIN_AFTER = timedelta(seconds=0.1)


class AlreadyRunning(Exception):
    """Another system runs on the directory; the message is the one line that a person reads."""


def take_lock(data_dir: Path) -> int:
    """Return a file descriptor that holds the lock until it and all copies of it are closed.

    Raises AlreadyRunning, with the holder's process id and address. When the holder was killed, its
    processes may still be ending: then wait for them first.
    """
    descriptor = os.open(data_dir / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + WAIT_FOR_DYING.total_seconds()
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(descriptor, 20, 0).decode().strip()
            if not pid.isdecimal() or is_alive(int(pid)) or time.monotonic() > deadline:
                os.close(descriptor)
                where = read_note(data_dir).get("web", f"on {data_dir}")
                who = f"process {pid}" if pid.isdecimal() else "starting"
                if pid.isdecimal() and not is_alive(int(pid)):
                    who += " was killed, and tasks that it had begun are still ending: try again"
                raise AlreadyRunning(f"Already running: {where} ({who}).") from None
            time.sleep(AGAIN_AFTER.total_seconds())
            continue
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return descriptor
