"""A private system for tests and measurements: the real `up` as a child, on free ports and a
directory of its own.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from project.devstack.waiting import WaitedTooLong, wait_until
from project.settings import BASE_DIR

NOT_INHERITED = (
    "DATABASE_URL",
    "SCHEDULER_JOBSTORE_URL",
    "BROKER_URL",
    "REDIS_URL",
    "DATA_DIR",
    "FLOWER_BASIC_AUTH",
)


class StackFailed(Exception):
    """The system did not start, did not end, or a fact did not come about; the message holds the
    end of its log.
    """


class Stack:
    """Starts the system when entered and stops it when left.

    `only` are the parts to start besides the broker. All its output is in the file `log_path`. The
    database is SQLite in `data_dir` unless `database_url` names one; without `redis_url` the
    broker is its own.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        database_url: str | None = None,
        redis_url: str | None = None,
        only: Sequence[str] = ("beat", "worker"),
        beats: int = 1,
        workers: int = 1,
        concurrency: int = 2,
        crash_limit: int = 1000,
        demo: bool = False,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.log_path = data_dir / "up.log"
        numbers = {
            "--beats": beats,
            "--workers": workers,
            "--concurrency": concurrency,
            "--crash-limit": crash_limit,
        }
        self.command = [
            sys.executable,
            "-m",
            "project.devstack",
            "up",
            "--port=0",
            "--end-with-parent",
        ]
        self.command += [
            f"--only={','.join(only)}",
            *(f"{option}={value}" for option, value in numbers.items()),
        ]
        self.command += ["--demo"] if demo else []
        inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        self.environment: dict[str, str] = {
            **inherited,
            "DATA_DIR": str(data_dir),
            **(variables or {}),
        }
        if database_url:
            self.environment["DATABASE_URL"] = database_url
        if redis_url:
            self.environment["REDIS_URL"] = redis_url
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, *, timeout: timedelta = timedelta(seconds=90)) -> None:
        """Start everything and return when it is ready; raises StackFailed."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=BASE_DIR,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            self.wait_ready(timeout=timeout)
        except StackFailed:
            self.stop()
            raise

    def stop(
        self,
        *,
        number: signal.Signals = signal.SIGTERM,
        timeout: timedelta = timedelta(seconds=150),
    ) -> int:
        """Ask the supervisor to stop, wait for the end and return its exit code; 0 when it never
        ran.
        """
        if self.process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout.total_seconds())
        except subprocess.TimeoutExpired as error:
            self.process.kill()
            self.process.wait()
            raise StackFailed(f"The system did not stop.\n{self.tail()}") from error

    def wait_ready(self, *, timeout: timedelta = timedelta(seconds=90)) -> None:
        """Return once everything has started; raises StackFailed when it ended or took longer than
        `timeout`.
        """
        self.wait_for(lambda: bool(self.note().get("ready")), what="the start", timeout=timeout)

    def wait_for(
        self, fact: Callable[[], bool], *, what: str, timeout: timedelta = timedelta(seconds=30)
    ) -> None:
        """Return once `fact()` is true; raises StackFailed, which names `what` was waited for."""

        def looked() -> bool:
            if self.process is not None and self.process.poll() is not None:
                code = self.process.returncode
                raise StackFailed(f"The system ended with exit code {code}.\n{self.tail()}")
            return fact()

        try:
            wait_until(looked, what=what, timeout=timeout)
        except WaitedTooLong as error:
            raise StackFailed(f"{error}\n{self.tail()}") from error

    def note(self) -> dict[str, Any]:
        """Return what the supervisor says about itself (`up.json`); empty before it has started."""
        try:
            note = json.loads((self.data_dir / "up.json").read_text())
        except (OSError, ValueError):
            return {}
        mine = (
            self.process is not None
            and isinstance(note, dict)
            and note.get("supervisor") == self.process.pid
        )
        return note if mine else {}

    @property
    def pids(self) -> dict[str, int]:
        """Return the leaders' ids by name: `broker`, `web`, `beat`, `worker`, `worker2` ..."""
        return dict(self.note().get("pids", {}))

    @property
    def redis_url(self) -> str:
        """Return the broker's address."""
        return str(self.note()["broker_url"])

    @property
    def web(self) -> str:
        """Return the web address; only where `web` is among the parts."""
        return str(self.note()["web"])

    def children(self, name: str) -> list[int]:
        """Return the process ids of the processes that `name` started itself, for example a
        worker's pool.
        """
        pid = self.pids[name]
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(child) for child in listed.split()]

    def kill(self, name: str, *, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to the leader `name` and return its process id; the supervisor starts it
        again.
        """
        pid = self.pids[name]
        os.kill(pid, number)
        return pid

    def kill_supervisor(self) -> None:
        """Kill the supervisor with SIGKILL; its guard then ends what it left behind."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def wait_restarted(
        self, name: str, *, old: int, timeout: timedelta = timedelta(seconds=30)
    ) -> int:
        """Return the new process id of `name` once it is another than `old`; raises StackFailed."""
        self.wait_for(
            lambda: self.pids.get(name, old) != old, what=f"{name}'s new start", timeout=timeout
        )
        return self.pids[name]

    def run(
        self, *command: str, timeout: timedelta = timedelta(seconds=60)
    ) -> subprocess.CompletedProcess[str]:
        """Run a Python command line such as `manage.py`, `scheduler`, `status` against this
        system.
        """
        return subprocess.run(
            [sys.executable, *command],
            cwd=BASE_DIR,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout.total_seconds(),
        )

    def log(self) -> str:
        """Return all that the system has written."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def tail(self, lines: int = 40) -> str:
        """Return the last `lines` of the log."""
        return "\n".join(self.log().splitlines()[-lines:])
