"""Keeps processes running: starts them in order, starts crashed ones again, and ends them in
reverse order.

Only leaders get SIGTERM: signalling whole process groups ends a running task as a lost worker. A
second request to stop kills. What a killed supervisor leaves behind is ended by `guard`.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from project.devstack.guard import Guard
from project.devstack.processes import Child, Process, start_child

READY_WITHIN = timedelta(seconds=90)
CRASH_WINDOW = timedelta(minutes=1)
FIRST_PAUSE = timedelta(seconds=0.5)
LONGEST_PAUSE = timedelta(seconds=8)

Say = Callable[[str, str], None]  # process name, line


class StartFailed(Exception):
    """A process did not come up; the message is the one line that a person reads, `code` the exit
    code.
    """

    def __init__(self, message: str, *, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


class Supervisor:
    """Runs processes until `stop` is called or one crashes `crash_limit` times within a minute.

    `on_change` gets the process ids by name whenever one has started.
    """

    def __init__(
        self,
        *,
        say: Say,
        guard: Guard,
        on_change: Callable[[dict[str, int]], None],
        crash_limit: int = 5,
    ) -> None:
        self.say = say
        self.guard = guard
        self.on_change = on_change
        self.crash_limit = crash_limit
        self.children: dict[str, Child] = {}  # in the order of their start
        self.crashes: dict[str, list[float]] = {}
        self.watchers: list[asyncio.Task[None]] = []
        self.stopping = asyncio.Event()
        self.exit_code = 0

    def stop(self, *, exit_code: int = 0) -> None:
        """Ask for the end; asked again, kill what still runs."""
        if self.stopping.is_set():
            for child in self.children.values():
                child.kill()
            return
        self.exit_code = exit_code
        self.stopping.set()

    def listen_to_signals(self) -> None:
        """Let Ctrl-C, SIGTERM and a closed terminal ask for the end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.stop)

    async def run_once(self, process: Process) -> None:
        """Run a step of the start to its end; raises StartFailed, with its exit code, when it
        fails.
        """
        child = await self.spawn(process)
        ended = asyncio.create_task(child.until_ended())
        await self.first_of(ended, timeout=None)
        if not ended.done():
            child.kill()
        code = await ended
        del self.children[process.name]
        self.tell()
        if code and not self.stopping.is_set():
            raise StartFailed(f"{process.name} failed with exit code {code}", code=max(code, 1))

    async def start(self, processes: Sequence[Process]) -> None:
        """Start all, then wait until each is ready, in order; raises StartFailed when one is not
        in time.
        """
        started = []
        for process in processes:
            if self.stopping.is_set():
                return
            child = await self.spawn(process)
            ended = asyncio.create_task(child.until_ended())
            started.append((child, ended))
        for child, ended in started:
            ready = asyncio.create_task(child.until_ready())
            await self.first_of(ready, ended, timeout=READY_WITHIN)
            ready.cancel()
            name = child.process.name
            if self.stopping.is_set():
                pass
            elif ended.done():
                raise StartFailed(f"{name} ended with exit code {ended.result()} during the start")
            elif not ready.done():
                raise StartFailed(f"{name} was not ready within {READY_WITHIN.seconds} seconds")
            else:
                self.say("up", f"{name} is ready")
        for child, ended in started:
            self.watchers.append(asyncio.create_task(self.keep(child, ended)))

    async def until_stopped(self) -> int:
        """Wait for a request to stop, end everything in reverse order, and return the exit code."""
        await self.stopping.wait()
        for watcher in self.watchers:
            watcher.cancel()
        await asyncio.gather(*self.watchers, return_exceptions=True)
        for child in reversed(list(self.children.values())):
            child.ask_to_end()
            ended = asyncio.create_task(child.until_ended())
            grace = child.process.grace
            done, _ = await asyncio.wait([ended], timeout=grace.total_seconds())
            if not done:
                self.say(
                    "up",
                    f"{child.process.name} still runs after {grace.seconds} seconds and is killed",
                )
                child.kill()
            await ended
        self.children.clear()
        self.tell()
        return self.exit_code

    async def keep(self, child: Child, ended: asyncio.Task[int]) -> None:
        """Start the process again whenever it has ended, after a pause that grows with its
        crashes.
        """
        process = child.process
        while True:
            # Shielded: ending the watch must not end the reading of the log.
            code = await asyncio.shield(ended)
            pause = self.pause_after_crash(process.name)
            if pause is None:
                times = f"{self.crash_limit} times in a minute"
                self.say("up", f"{process.name} crashed {times}; stopping everything")
                self.stop(exit_code=1)
                return
            how = f"ended with exit code {code}"
            if code < 0:
                how = f"was killed by {signal.Signals(-code).name}"
            self.say(
                "up",
                f"{process.name} {how}; starting it again in {pause.total_seconds():g} seconds",
            )
            await asyncio.sleep(pause.total_seconds())
            try:
                fresh = await self.spawn(process)
            except StartFailed as error:
                self.say("up", f"{error}; stopping everything")
                self.stop(exit_code=1)
                return
            ended = asyncio.create_task(fresh.until_ended())

    def pause_after_crash(self, name: str) -> timedelta | None:
        """Note a crash and return the pause before the next start, or None when there were too
        many.
        """
        now = time.monotonic()
        recent = [
            at for at in self.crashes.get(name, []) if at > now - CRASH_WINDOW.total_seconds()
        ]
        self.crashes[name] = [*recent, now]
        if len(recent) + 1 >= self.crash_limit:
            return None
        doubled: timedelta = FIRST_PAUSE * 2 ** len(recent)
        return min(LONGEST_PAUSE, doubled)

    async def spawn(self, process: Process) -> Child:
        """Start one process and tell the guard and the listener about it."""

        def say(line: str) -> None:
            self.say(process.name, line)

        try:
            child = await start_child(process, say=say)
        except OSError as error:
            raise StartFailed(f"{process.name} cannot be started: {error}") from error
        # In the place of the one that crashed: the order of the end is the order of the first
        # start, reversed.
        self.children[process.name] = child
        self.tell()
        return child

    async def first_of(
        self, *tasks: "asyncio.Task[int] | asyncio.Task[None]", timeout: timedelta | None
    ) -> None:
        """Wait until one of `tasks` is done, the end is asked for, or `timeout` has passed."""
        stopped = asyncio.create_task(self.stopping.wait())
        seconds = timeout.total_seconds() if timeout else None
        await asyncio.wait([*tasks, stopped], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()

    def tell(self) -> None:
        """Let the guard and the listener know what runs."""
        self.guard.watch([(child.pid, child.process.grace) for child in self.children.values()])
        with contextlib.suppress(OSError):
            self.on_change({name: child.pid for name, child in self.children.items()})
