"""A small process that outlives the supervisor, to end what a killed supervisor leaves behind.

The supervisor writes to its input, whenever that changes, which processes run. When the input ends
while some still run, the supervisor was killed: they are asked to end, last started first, and
after their grace killed with all their children. Until then it holds DATA_DIR's lock, so that a
new start waits for the end.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path


class Guard:
    """The supervisor's side of it."""

    def __init__(self, *, keep_open: int | None = None) -> None:
        """Start the guard; `keep_open` is a file descriptor that it holds until all is ended."""
        self.process = subprocess.Popen(
            [sys.executable, "-I", str(Path(__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[] if keep_open is None else [keep_open],
        )

    def watch(self, processes: Sequence[tuple[int, timedelta]]) -> None:
        """Say which processes run now, in the order of their start, and how long each may take to
        end.
        """
        told = json.dumps([(pid, grace.total_seconds()) for pid, grace in processes])
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.write(f"{told}\n".encode())
                self.process.stdin.flush()

    def close(self) -> None:
        """Let the guard go; it ends whatever it was told last."""
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        self.process.wait()


def end_all(processes: Sequence[tuple[int, float]]) -> None:
    """End the groups that `processes` lead: SIGTERM to the leader, after its grace in seconds
    SIGKILL to all.
    """
    for pid, grace in reversed(processes):
        send(os.kill, pid, signal.SIGTERM)
        deadline = time.monotonic() + grace
        while time.monotonic() < deadline and runs(pid):
            time.sleep(0.1)
        send(os.killpg, pid, signal.SIGKILL)


def send(how: object, pid: int, number: signal.Signals) -> None:
    """Send a signal; a process that is already gone is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if callable(how):
            how(pid, number)


def runs(pid: int) -> bool:
    """True while the process lives; one that only waits for its exit code to be read does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except OSError:  # no /proc on this system
        return True


def main() -> None:
    """Read what runs until the input ends, then end what runs."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    processes: list[tuple[int, float]] = []
    for line in sys.stdin:
        with contextlib.suppress(ValueError):
            processes = [(int(pid), float(grace)) for pid, grace in json.loads(line)]
    end_all(processes)


if __name__ == "__main__":
    main()
