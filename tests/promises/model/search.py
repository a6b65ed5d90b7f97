"""Going through every order of events, and what must hold in each."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from schedules.states import FINAL, WAITING, RunState
from tests.promises.model.protocol import (
    EXECUTING,
    Row,
    Rules,
    Step,
    World,
    begin,
    may_run_again,
    owner_is_well,
    successors,
)

IN_VAIN = ("mark", "drop", "superseded")
"""Actions that have to leave some runs as they are."""

Came = dict[World, tuple[World, Step] | None]
Change = tuple[str, RunState | None, RunState | None]
Way = list[tuple[Step, World]]
"""Steps from the beginning, each with the world after it."""


@dataclass
class Found:
    """The result: how much was looked at, and a shortest way to each thing that went wrong."""

    worlds: int = 0
    transitions: int = 0
    changes: dict[Change, Way] = field(default_factory=dict)
    """Every action with the states between which it took a run."""
    violations: dict[str, Way] = field(default_factory=dict)


def search(
    rules: Rules | None = None,
    *,
    occurrences: int = 2,
    beats: int = 2,
    workers: int = 2,
    faults: int = 1,
    stop_at_first: bool = False,
) -> Found:
    """Try every order of events from the beginning, breadth first."""
    rules = rules or Rules()
    first = begin(occurrences=occurrences, beats=beats, workers=workers, faults=faults)
    came: Came = {first: None}
    without_fault: dict[World, list[World]] = {}
    found = Found()
    waiting = deque([first])
    while waiting:
        world = waiting.popleft()
        for step, then in successors(world, rules):
            found.transitions += 1
            if then not in came:
                came[then] = world, step
                waiting.append(then)
                _note(found, _wrong_with(then), lambda: _way_to(then, came))  # noqa: B023
            if then.faults == world.faults and step.action != "cancel":
                without_fault.setdefault(then, []).append(world)
            if then.rows != world.rows or step.action in IN_VAIN:
                _note_step(found, world, step, then, faults, came)
        if stop_at_first and found.violations:
            break
    else:
        _note_stuck(found, came, without_fault)
    found.worlds = len(came)
    return found


def _wrong_with(world: World) -> Iterator[str]:
    """What must never be."""
    for run, row in enumerate(world.rows):
        yield from _wrong_row(run, row)
    if sum(row.state is RunState.RUNNING for row in world.rows) > 1:
        yield "more runs are running than max_instances"
    for worker in world.workers:
        if worker.at in EXECUTING:
            row = world.rows[worker.run]
            owns = row.state is RunState.RUNNING and row.attempt == worker.attempt
            if not owns and not row.taken & 1 << worker.attempt:
                yield "a body executes that neither owns its run nor was recorded as lost"


def _wrong_row(run: int, row: Row) -> Iterator[str]:
    if row.copies > 1:
        yield "an occurrence has two runs"
    if row.effects > 1:
        yield "an effect was committed twice"
    if row.state in FINAL and row.effects != (row.state is RunState.SUCCEEDED):
        yield "outcome and effect disagree"
    if row.outside > (row.attempt if may_run_again(run) else 1):
        yield "something outside was done more often than on_lost allows"


def _wrong_step(world: World, step: Step, then: World, faults: int) -> Iterator[str]:
    """What must never happen."""
    before = world.rows[step.run] if step.run >= 0 else Row()
    after = then.rows[step.run] if step.run >= 0 else Row()
    if before.state in FINAL and after.state != before.state:
        yield "an outcome changed"
    if step.action == "reap" and owner_is_well(world, step.run, before):
        yield "a run was taken from a worker that is alive and well"
    if step.action == "drop" and before.state in WAITING and world.faults == faults:
        yield "without any fault a message was dropped whose run waits"


def _note_step(
    found: Found,
    world: World,
    step: Step,
    then: World,
    faults: int,
    came: Came,
) -> None:
    def way() -> Way:
        return [*_way_to(world, came), (step, then)]

    _note(found, _wrong_step(world, step, then, faults), way)
    for before, after in zip(world.rows, then.rows, strict=True):
        change = (step.action, before.state, after.state)
        if before.state != after.state and change not in found.changes:
            found.changes[change] = way()
    if step.action in IN_VAIN:
        state = world.rows[step.run].state
        if world.rows == then.rows and (step.action, state, state) not in found.changes:
            found.changes[step.action, state, state] = way()


def _note_stuck(
    found: Found,
    came: Came,
    without_fault: dict[World, list[World]],
) -> None:
    """From everywhere every occurrence must be able to get its outcome, with no more faults and
    nobody to cancel it.
    """
    settled = [world for world in came if all(row.state in FINAL for row in world.rows)]
    fine = set(settled)
    waiting = deque(settled)
    while waiting:
        for before in without_fault.get(waiting.popleft(), ()):
            if before not in fine:
                fine.add(before)
                waiting.append(before)
    for world in came:
        if world not in fine:
            _note(found, ["an occurrence can never get an outcome"], lambda: _way_to(world, came))  # noqa: B023
            return


def _note(found: Found, wrong: Iterable[str], way: Callable[[], Way]) -> None:
    for what in wrong:
        if what not in found.violations:
            found.violations[what] = way()


def _way_to(world: World, came: Came) -> Way:
    way = []
    link = came[world]
    while link is not None:
        before, step = link
        way.append((step, world))
        world = before
        link = came[world]
    return way[::-1]
