"""The supervisor with small processes: order, new starts after crashes, and the end."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from datetime import timedelta

import pytest

from project.devstack import supervisor as supervisor_module
from project.devstack.guard import Guard, runs
from project.devstack.processes import Process
from project.devstack.supervisor import StartFailed, Supervisor
from project.devstack.waiting import wait_until

STAYS = "import signal; print('up', flush=True); signal.pause()"
SAYS_GOODBYE = (
    "import signal, sys\n"
    "signal.signal(signal.SIGTERM, lambda *a: (print('bye', flush=True), sys.exit(0)))\n"
    "print('up', flush=True); signal.pause()"
)
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + STAYS
WITH_CHILD = (
    "import signal, subprocess, sys;"
    "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']);"
    "print('up', child.pid, flush=True); signal.pause()"
)
ENDS_SOON = "import threading; print('up', flush=True); threading.Event().wait(0.2)"


class Observed:
    """A supervisor whose lines are kept in `lines`, as `name: line`."""

    def __init__(self, *, crash_limit: int = 5) -> None:
        self.lines: list[str] = []
        self.pids: dict[str, int] = {}
        self.guard = Guard()
        self.supervisor = Supervisor(
            say=lambda name, line: self.lines.append(f"{name}: {line}"),
            guard=self.guard,
            on_change=self.note,
            crash_limit=crash_limit,
        )

    def note(self, pids: dict[str, int]) -> None:
        self.pids = pids

    async def until(self, fact: Callable[[], bool]) -> None:
        await asyncio.to_thread(wait_until, fact, what="a fact")


def process(name: str, program: str, *, grace: float = 10) -> Process:
    command = [sys.executable, "-c", program]
    return Process(name=name, command=command, ready_line="up", grace=timedelta(seconds=grace))


def run(scenario: Callable[[Observed], Coroutine[None, None, None]], **options: int) -> Observed:
    async def with_guard() -> Observed:
        observed = Observed(**options)
        try:
            await scenario(observed)
        finally:
            observed.guard.close()
        return observed

    return asyncio.run(with_guard())


def test_processes_end_in_the_reverse_order_of_their_start() -> None:
    async def scenario(observed: Observed) -> None:
        names = ["first", "second", "third"]
        await observed.supervisor.start([process(name, SAYS_GOODBYE) for name in names])
        observed.supervisor.stop()
        assert await observed.supervisor.until_stopped() == 0

    lines = run(scenario).lines

    assert [line for line in lines if line.endswith("ready")] == [
        "up: first is ready",
        "up: second is ready",
        "up: third is ready",
    ]
    assert [line for line in lines if line.endswith("bye")] == [
        "third: bye",
        "second: bye",
        "first: bye",
    ]


def test_a_killed_process_is_started_again_and_its_children_are_ended() -> None:
    async def scenario(observed: Observed) -> None:
        await observed.supervisor.start([process("one", WITH_CHILD)])
        old = observed.pids["one"]
        child = int(next(line for line in observed.lines if "one: up" in line).split()[-1])
        os.kill(old, signal.SIGKILL)
        await observed.until(lambda: observed.pids.get("one", old) != old)
        await observed.until(lambda: not runs(child))
        observed.supervisor.stop()
        await observed.supervisor.until_stopped()

    lines = run(scenario).lines

    assert "up: one was killed by SIGKILL; starting it again in 0.5 seconds" in lines


def test_too_many_crashes_in_a_minute_stop_everything_with_exit_code_1(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervisor_module, "FIRST_PAUSE", timedelta(seconds=0.01))

    async def scenario(observed: Observed) -> None:
        await observed.supervisor.start([process("stays", STAYS), process("ends", ENDS_SOON)])
        assert await observed.supervisor.until_stopped() == 1

    lines = run(scenario, crash_limit=3).lines

    assert lines.count("ends: up") == 3
    assert "up: ends crashed 3 times in a minute; stopping everything" in lines


def test_a_second_request_to_stop_kills_what_does_not_end() -> None:
    async def scenario(observed: Observed) -> None:
        await observed.supervisor.start([process("stubborn", STUBBORN, grace=60)])
        observed.supervisor.stop()
        ending = asyncio.create_task(observed.supervisor.until_stopped())
        ended, _ = await asyncio.wait([ending], timeout=0.3)
        assert not ended
        observed.supervisor.stop()
        async with asyncio.timeout(5):
            await ending

    run(scenario)


def test_what_does_not_end_within_its_grace_is_killed() -> None:
    async def scenario(observed: Observed) -> None:
        await observed.supervisor.start([process("stubborn", STUBBORN, grace=0.3)])
        observed.supervisor.stop()
        async with asyncio.timeout(5):
            await observed.supervisor.until_stopped()

    assert any("stubborn still runs after" in line for line in run(scenario).lines)


def test_a_process_that_ends_during_the_start_is_named() -> None:
    async def scenario(observed: Observed) -> None:
        with pytest.raises(StartFailed, match="broken ended with exit code 3 during the start"):
            await observed.supervisor.start([process("broken", "raise SystemExit(3)")])
        observed.supervisor.stop(exit_code=1)
        assert await observed.supervisor.until_stopped() == 1

    run(scenario)


def test_a_failed_step_keeps_its_exit_code() -> None:
    async def scenario(observed: Observed) -> None:
        with pytest.raises(StartFailed) as failed:
            await observed.supervisor.run_once(process("prepare", "raise SystemExit(2)"))
        assert failed.value.code == 2

    run(scenario)


def test_the_guard_ends_what_a_killed_supervisor_left_behind() -> None:
    program = (
        "import asyncio, os, signal, sys\n"
        "from tests.project.test_supervisor import Observed, process, STUBBORN\n"
        "async def main():\n"
        "    observed = Observed()\n"
        "    await observed.supervisor.start([process('one', STUBBORN, grace=0.5)])\n"
        "    print(observed.pids['one'], flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())"
    )

    async def scenario(observed: Observed) -> None:
        killed = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await killed.communicate()
        await observed.until(lambda: not runs(int(out)))

    run(scenario)
