"""One supervised process: what it is, its log lines, and ending it."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

LONGEST_LINE = 1_000_000  # bytes; what is longer is shown in parts
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process to keep running.

    It counts as ready when `is_ready` says so or, without that, when `ready_line` shows up in its
    log. `grace` is how long it may take to end after SIGTERM.
    """

    name: str
    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    is_ready: Callable[[], Awaitable[bool]] | None = None
    ready_line: str = ""
    grace: timedelta = timedelta(seconds=20)


class Child:
    """A started `Process`, in its own session: a terminal's Ctrl-C does not reach it."""

    def __init__(
        self,
        process: Process,
        *,
        running: asyncio.subprocess.Process,
        output: asyncio.StreamReader,
        say: Callable[[str], None],
    ) -> None:
        self.process = process
        self.running = running
        self.output = output
        self.line_seen = asyncio.Event()
        self.log = asyncio.create_task(self.read_log(say))

    @property
    def pid(self) -> int:
        """Return the leader's process id, which is its session's and group's too."""
        return self.running.pid

    async def read_log(self, say: Callable[[str], None]) -> None:
        """Hand every line to `say` until the last process that holds the output has closed it."""
        rest = b""
        while chunk := await self.output.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > LONGEST_LINE:
                lines, rest = [*lines, rest], b""
            for raw in lines:
                line = raw.decode(errors="replace").rstrip()
                if self.process.ready_line and self.process.ready_line in line:
                    self.line_seen.set()
                say(line)
        if rest:
            say(rest.decode(errors="replace").rstrip())

    async def until_ready(self) -> None:
        """Return once it is ready; it may never be."""
        if self.process.is_ready is None:
            if self.process.ready_line:
                await self.line_seen.wait()
            return
        while not await self.process.is_ready():
            await asyncio.sleep(0.05)

    async def until_ended(self) -> int:
        """Wait for the leader, end whatever it left behind, and return its exit code."""
        code = await self.running.wait()
        self.kill()
        await self.log
        return code

    def ask_to_end(self) -> None:
        """Send SIGTERM to the leader only: its children are its own business, and a task may be
        running there.
        """
        with contextlib.suppress(ProcessLookupError):
            self.running.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL to the leader and all its children."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


async def start_child(process: Process, *, say: Callable[[str], None]) -> Child:
    """Start `process`; raises OSError when its program cannot be started."""
    # A pipe of our own: asyncio does not report the end of a process while others hold its pipe
    # open.
    reading, writing = os.pipe()
    try:
        running = await asyncio.create_subprocess_exec(
            *process.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            start_new_session=True,
            preexec_fn=end_with_parent,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **process.environment},
        )
    except OSError:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    output = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(output), os.fdopen(reading, "rb", buffering=0)
    )
    return Child(process, running=running, output=output, say=say)


def end_with_parent(number: signal.Signals = signal.SIGTERM) -> None:
    """Ask Linux to send this process a signal once its parent is gone; elsewhere it stays."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, number)
