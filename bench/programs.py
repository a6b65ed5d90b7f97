"""One program that is measured: started in a session of its own, watched through /proc, ended."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from project.devstack.processes import end_with_parent

ROOT = Path(__file__).resolve().parents[1]
NANO = 1_000_000_000
ORDERLY_END = 15  # seconds
FORGETS = "PYTHONDONTWRITEBYTECODE"


class ProgramFailed(Exception):
    """A program ended too early or with an error; the message holds the end of its log."""


class Program:
    """A program that runs from entering to leaving.

    Leaving kills it with all its children: what is measured is thrown away afterwards, so nothing
    waits for an orderly end.
    """

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str], log: Path
    ) -> None:
        self.command = list(command)
        self.environment = variables(environment) | {"PYTHONUNBUFFERED": "1"}
        self.log = log
        self.started_at = 0.0
        """In seconds of `time.time()`."""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self.started_at = time.time()
            self._process = subprocess.Popen(  # noqa: S603 - our own programs
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    @property
    def pid(self) -> int:
        """The leader's process id."""
        assert self._process is not None
        return self._process.pid

    def check(self) -> None:
        """Raise ProgramFailed if it has ended."""
        assert self._process is not None
        code = self._process.poll()
        if code is not None:
            raise ProgramFailed(f"{self} ended with {code}: {self.last_lines()}")

    def last_lines(self) -> str:
        """Return the end of its log as one line."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return " / ".join(lines[-3:]) or "it wrote nothing"

    def cpu_seconds(self) -> float:
        """Return the processor time of all its threads so far, to the nanosecond."""
        return cpu_seconds(self.pid)

    def finish(self, *, timeout: float = 600) -> None:
        """Run it to its end. Raises ProgramFailed when it takes longer or ends with an error."""
        with self:
            assert self._process is not None
            try:
                code = self._process.wait(timeout)
            except subprocess.TimeoutExpired as error:
                raise ProgramFailed(f"{self} took over {timeout:g} s") from error
        if code:
            raise ProgramFailed(f"{self} ended with {code}: {self.last_lines()}")

    def family(self) -> list[int]:
        """Return its process id and those of all that it has started: a worker's pool."""
        found, waiting = [], [self.pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            with contextlib.suppress(OSError):  # one that has just ended
                for listed in Path(f"/proc/{pid}/task").glob("*/children"):
                    waiting += [int(child) for child in listed.read_text().split()]
        return found

    def memory(self) -> float:
        """Return the most resident memory that it has had, in megabytes."""
        return resident(self.pid, "VmHWM")

    def __str__(self) -> str:
        return " ".join(Path(word).name if "/" in word else word for word in self.command[:6])


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process's living threads, in seconds."""
    spent = 0
    for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):  # a thread that has just ended
            spent += int(thread.read_text().split()[0])
    return spent / NANO


def resident(pid: int, field: str = "VmRSS") -> float:
    """Return a process's resident memory in megabytes: now, or at most (`VmHWM`)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    return 0.0


def variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a program that is measured: these, but without the caller's wish that
    Python forgets what it has compiled. Ours in the image and all packages are compiled as well.
    """
    kept = {name: value for name, value in environment.items() if name != FORGETS}
    return {**kept, "PYTHONPATH": str(ROOT)}


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    timeout: float = 1800,
    fine: Sequence[int] = (0,),
) -> str:
    """Run a program to its end and return what it printed; `fine` are its good exit codes.

    Raises ProgramFailed, also after `timeout` seconds; an interrupt ends it too.
    """
    with subprocess.Popen(  # noqa: S603 - our own programs
        command,
        cwd=ROOT,
        env=variables(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=end_with_parent,
    ) as process:
        try:
            printed, complained = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise ProgramFailed(f"{' '.join(command[1:4])} took over {timeout:g} s") from error
        finally:
            _end(process)
    if process.returncode not in fine:
        last = " / ".join(complained.strip().splitlines()[-3:])
        raise ProgramFailed(f"{' '.join(command[1:4])} ended with {process.returncode}: {last}")
    return printed


def _end(process: "subprocess.Popen[str]") -> None:
    """End what still runs; it gets a while to take its own servers and files away."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(ORDERLY_END)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
