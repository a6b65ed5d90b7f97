"""Programs side by side, with the output of each in one piece."""

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

GIVING_WAY = ("nice", "-n", "10")


@dataclass(frozen=True, slots=True)
class Step:
    """A program with its arguments and its environment; `title` is what a person reads.

    One that `gives_way` gets the processors when the others do not want them.
    """

    title: str
    command: Sequence[str]
    environment: Mapping[str, str]
    gives_way: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Steps of which at most `lanes` run at once; they begin in their order."""

    steps: Sequence[Step]
    lanes: int


@dataclass(frozen=True, slots=True)
class Ended:
    """How a step ended: the exit code, and its last line that is not empty."""

    step: Step
    code: int
    last_line: str


@dataclass(slots=True)
class _Running:
    """A step on a thread of its own. `lines` get what it writes, and None at its end."""

    step: Step
    folder: Path
    lines: SimpleQueue[str | None] = field(default_factory=SimpleQueue)
    process: subprocess.Popen[str] | None = None
    given_up: bool = False

    def run(self) -> tuple[int, float]:
        """Run it; return its exit code and how many seconds it took."""
        began = time.monotonic()
        try:
            if self.given_up:
                return 1, 0
            with subprocess.Popen(
                [*(GIVING_WAY if self.step.gives_way else ()), *self.step.command],
                cwd=self.folder,
                env=self.step.environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            ) as self.process:
                for line in self.process.stdout or ():
                    self.lines.put(line.rstrip("\n"))
            return self.process.returncode, time.monotonic() - began
        finally:
            self.lines.put(None)

    def give_up(self) -> None:
        """Ask it to end, or keep it from starting."""
        self.given_up = True
        if self.process is not None:
            self.process.terminate()


def side_by_side(
    groups: Sequence[Group], *, folder: Path, say: Callable[[str], None]
) -> Iterator[Ended]:
    """Run all `groups` at once in `folder`, and yield how each step ended, in their order.

    The first that has not ended is shown while it runs; what the others write waits for its turn.
    When the caller stops early, for example by Ctrl-C, the others are ended too.
    """
    with ExitStack() as pools:
        running: list[tuple[_Running, Future[tuple[int, float]]]] = []
        for group in groups:
            threads = pools.enter_context(ThreadPoolExecutor(max_workers=group.lanes))
            waiting = [_Running(step, folder) for step in group.steps]
            running += [(one, threads.submit(one.run)) for one in waiting]
        try:
            for one, future in running:
                yield _shown(one, future, say)
        finally:
            for one, _ in running:
                one.give_up()


def _shown(one: _Running, future: Future[tuple[int, float]], say: Callable[[str], None]) -> Ended:
    say(f"== {one.step.title}")
    last_line = ""
    while (line := one.lines.get()) is not None:
        say(line)
        last_line = line if line.strip() else last_line
    code, seconds = future.result()
    say(f"== ended with {code} after {seconds:.0f} s")
    return Ended(one.step, code, last_line)
