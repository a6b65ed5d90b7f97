"""The model's states, and what may happen next in each of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from schedules.states import FINAL, UNSENT, WAITING, RunState

MOST_ATTEMPTS = 2
MOST_COPIES = 2
"""Copies of one message; a third does nothing that the second does not."""

CODE = {
    "read": "schedules.querysets.jobs:JobQuerySet.due",
    "plan": "schedules.dispatch.plan:plan_jobs",
    "publish": "schedules.dispatch.publish:publish",
    "mark": "schedules.querysets.runs:RunQuerySet.mark_sent",
    "sweep": "schedules.dispatch.repair:take_outbox",
    "remember": "schedules.dispatch.repair:forget_sending",
    "reap": "schedules.finish.attempt:lose_attempt",
    "receive": "schedules.task:JobTask.__call__",
    "claim": "schedules.querysets.runs:RunQuerySet.claim",
    "give way": "schedules.overlap:give_way",
    "drop": "schedules.task:_explain_refusal",
    "act": "schedules.task:_perform",
    "finish": "schedules.finish.attempt:finish_attempt",
    "superseded": "schedules.errors:Superseded",
    "retry": "schedules.finish.attempt:resend_attempt",
    "cancel": "schedules.finish.waiting:finish_waiting",
    "renew": "schedules.lease:Lease.renew",
}
"""The function behind each action; every other action is a fault."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules of the protocol; a variant breaks one of them."""

    runs_with_advance: bool = True
    """1: a run is written in the transaction that moves the timetable on,"""
    one_run_per_occurrence: bool = True
    """and a unique key refuses a second one."""
    marks_on_its_way: bool = True
    """2: a run is marked as sent only where it is still on its way to the broker,"""
    claims_if_waiting: bool = True
    """is claimed only while it waits,"""
    claims_unsent: bool = True
    """also before it was marked, since the message can beat the mark."""
    ends_own_attempt: bool = True
    """3: the outcome is written only by the attempt that owns the run,"""
    effect_with_outcome: bool = True
    """in the transaction of its effects."""
    slot_in_claim: bool = True
    """4: overlap is decided in the claim's own statement."""
    sweeps: bool = True
    """5: what waits for too long is sent again,"""
    reaps: bool = True
    """what a dead worker owned is taken back,"""
    lease_is_renewed: bool = True
    """by a lease that living workers renew,"""
    waits_after_outage: bool = True
    """and not before they could renew it after an outage of the database."""


class Row(NamedTuple):
    """A run. `taken` has the numbers, as bits, of attempts that are recorded as over."""

    state: RunState | None = None
    told: bool = False
    """Of one that is sent: the broker has it; else it is on its way there."""
    attempt: int = 0
    effects: int = 0
    outside: int = 0
    taken: int = 0
    copies: int = 0


class Beat(NamedTuple):
    """What a Beat is about to do with an occurrence."""

    at: str = "idle"
    run: int = -1


class Worker(NamedTuple):
    """What a worker's process is about to do with a run, as which attempt."""

    at: str = "idle"
    run: int = -1
    attempt: int = 0
    frozen: bool = False


class World(NamedTuple):
    """Everything, at one moment. Beats are alike, and so are workers: they are kept in order."""

    next: int
    rows: tuple[Row, ...]
    messages: tuple[int, ...]
    beats: tuple[Beat, ...]
    workers: tuple[Worker, ...]
    faults: int
    forgotten: bool = False
    outage: bool = False


class Step(NamedTuple):
    """One thing that happens: its name, and the run that it is about."""

    action: str
    run: int = -1
    attempt: int = 0


EXECUTING = ("body", "acted", "committed")
IDLE, FREE = Beat(), Worker()


def begin(*, occurrences: int, beats: int, workers: int, faults: int) -> World:
    """Nothing is planned yet."""
    return World(
        next=0,
        rows=(Row(),) * occurrences,
        messages=(0,) * occurrences,
        beats=(IDLE,) * beats,
        workers=(FREE,) * workers,
        faults=faults,
    )


def may_run_again(run: int) -> bool:
    """The occurrences alternate between `on_lost` retry and fail."""
    return run % 2 == 0


# What each change makes of a row; the same row where it changes nothing.


def marked(row: Row, rules: Rules) -> Row:
    """The broker has been told."""
    allowed = row.state is RunState.SENT or (not rules.marks_on_its_way and row.state is not None)
    return row._replace(state=RunState.SENT, told=True) if allowed else row


def handed_over(row: Row) -> Row:
    """The outbox takes a run that waits, to send it."""
    return row._replace(state=RunState.SENT, told=False) if row.state in UNSENT else row


def claimed(row: Row, rules: Rules) -> Row:
    """A worker takes the run."""
    allowed = row.state in WAITING and (rules.claims_unsent or row.told)
    if not rules.claims_if_waiting:
        allowed = row.state is not None and row.state not in FINAL
    taken = row._replace(state=RunState.RUNNING, told=False, attempt=row.attempt + 1)
    return taken if allowed else row


def finished(row: Row, attempt: int, rules: Rules) -> Row:
    """The attempt ends with success and its effect."""
    owns = row.state is RunState.RUNNING and row.attempt == attempt
    if not owns and rules.ends_own_attempt:
        return row
    effects = row.effects + rules.effect_with_outcome
    return row._replace(state=RunState.SUCCEEDED, effects=effects, taken=_over(row, attempt))


def retried(row: Row, attempt: int) -> Row:
    """The attempt's body asks to be tried again."""
    if row.state is not RunState.RUNNING or row.attempt != attempt:
        return row
    return row._replace(state=RunState.RETRYING, taken=_over(row, attempt))


def lost(row: Row, attempt: int, *, again: bool) -> Row:
    """The attempt is taken from its worker."""
    if row.state is not RunState.RUNNING or row.attempt != attempt:
        return row
    state = RunState.RETRYING if again else RunState.LOST
    return row._replace(state=state, taken=_over(row, attempt))


def ended(row: Row, state: RunState) -> Row:
    """A run that nobody owns ends: cancelled, skipped, missed."""
    return row._replace(state=state, told=False) if row.state in WAITING else row


def held(row: Row) -> Row:
    """A run whose slot is taken waits for it."""
    waits = row._replace(state=RunState.PLANNED, told=False)
    return waits if row.state in WAITING else row


def unsent(row: Row) -> Row:
    """The broker has forgotten everything."""
    forgotten = row._replace(state=RunState.PLANNED, told=False)
    return forgotten if row.state is RunState.SENT else row


def _over(row: Row, attempt: int) -> int:
    return row.taken | 1 << attempt


def successors(world: World, rules: Rules) -> Iterator[tuple[Step, World]]:
    """Yield everything that may happen next, faults included while there are some left."""
    for number, beat in enumerate(world.beats):
        yield from _beat_steps(world, number, beat, rules)
    for number, worker in enumerate(world.workers):
        if worker.frozen:
            yield Step("thaw", worker.run), _work(world, number, worker._replace(frozen=False))
        else:
            yield from _worker_steps(world, number, worker, rules)
    yield from _repairs(world, rules)
    for run, row in enumerate(world.rows):
        if row.state in WAITING:
            yield Step("cancel", run), _write(world, run, ended(row, RunState.CANCELLED))
    if world.faults:
        yield from _faults(world._replace(faults=world.faults - 1))


def _beat_steps(
    world: World, number: int, beat: Beat, rules: Rules
) -> Iterator[tuple[Step, World]]:
    run = beat.run
    if beat.at == "idle":
        if world.next < len(world.rows):
            yield Step("read", world.next), _tell(world, number, Beat("plan", world.next))
    elif beat.at == "plan":
        advanced = world._replace(next=max(world.next, run + 1))
        if not rules.runs_with_advance:
            yield Step("advance", run), _tell(advanced, number, Beat("write", run))
        else:
            planned = _write(advanced, run, _new(world.rows[run], rules))
            yield Step("plan", run), _tell(planned, number, Beat("publish", run))
    elif beat.at == "write":
        planned = _write(world, run, _new(world.rows[run], rules))
        yield Step("plan", run), _tell(planned, number, Beat("publish", run))
    elif beat.at == "publish":
        yield Step("publish", run), _tell(_send(world, run), number, Beat("mark", run))
    elif beat.at == "mark":
        told = _write(world, run, marked(world.rows[run], rules))
        yield Step("mark", run), _tell(told, number, IDLE)


def _new(row: Row, rules: Rules) -> Row:
    if row.state is None:
        return Row(state=RunState.SENT, copies=1)  # its planner sends it at once
    return row if rules.one_run_per_occurrence else row._replace(copies=row.copies + 1)


def _repairs(world: World, rules: Rules) -> Iterator[tuple[Step, World]]:
    """What an idle Beat finds to repair; which of them does it makes no difference."""
    if IDLE not in world.beats:
        return
    number = world.beats.index(IDLE)
    for run, row in enumerate(world.rows):
        if rules.sweeps and row.state in WAITING:
            sending = Beat("publish", run) in world.beats or Beat("mark", run) in world.beats
            lost_message = not any(world.messages) and not _is_received(world, run)
            # Somebody is about to send it, or its message waits: only time keeps it from being
            # sent twice, so that costs a fault.
            cost = int(sending or (row.told and not lost_message))
            if cost <= world.faults:
                swept = _write(world, run, handed_over(row))._replace(faults=world.faults - cost)
                yield Step("sweep", run), _tell(swept, number, Beat("publish", run))
        if rules.reaps and row.state is RunState.RUNNING and _looks_dead(world, run, row, rules):
            again = may_run_again(run) and row.attempt < MOST_ATTEMPTS
            taken = lost(row, row.attempt, again=again)
            yield Step("reap", run, row.attempt), _write(world, run, taken)
    if world.forgotten:
        rows = tuple(unsent(row) for row in world.rows)
        yield Step("remember"), world._replace(rows=rows, forgotten=False)
    if world.outage:
        yield Step("renew"), world._replace(outage=False)


def _is_received(world: World, run: int) -> bool:
    return any(worker.run == run and worker.at == "received" for worker in world.workers)


def _looks_dead(world: World, run: int, row: Row, rules: Rules) -> bool:
    if not rules.lease_is_renewed:
        return True
    if world.outage:
        return not rules.waits_after_outage
    return not owner_is_well(world, run, row)


def owner_is_well(world: World, run: int, row: Row) -> bool:
    """Whether the process that owns the run lives and can renew its lease."""
    return any(
        worker.run == run
        and worker.attempt == row.attempt
        and worker.at in EXECUTING
        and not worker.frozen
        for worker in world.workers
    )


def _worker_steps(
    world: World, number: int, worker: Worker, rules: Rules
) -> Iterator[tuple[Step, World]]:
    run, attempt = worker.run, worker.attempt
    if worker.at == "idle":
        for waiting, copies in enumerate(world.messages):
            if copies:
                rest = _replace(world.messages, waiting, copies - 1)
                got = world._replace(messages=rest)
                yield Step("receive", waiting), _work(got, number, Worker("received", waiting))
        return
    row = world.rows[run]
    if worker.at in ("received", "checked"):
        yield from _claim(world, number, worker, rules)
    elif worker.at == "body":
        acted = _write(world, run, row._replace(outside=row.outside + 1))
        yield Step("act", run, attempt), _work(acted, number, worker._replace(at="acted"))
        again = retried(row, attempt)
        if may_run_again(run) and attempt == 1 and again != row:
            yield Step("retry", run, attempt), _work(_write(world, run, again), number, FREE)
    elif worker.at == "acted" and not rules.effect_with_outcome:
        half = _write(world, run, row._replace(effects=row.effects + 1))
        yield Step("commit", run, attempt), _work(half, number, worker._replace(at="committed"))
    else:
        end = finished(row, attempt, rules)
        action = "superseded" if end == row else "finish"
        yield Step(action, run, attempt), _work(_write(world, run, end), number, FREE)


def _claim(world: World, number: int, worker: Worker, rules: Rules) -> Iterator[tuple[Step, World]]:
    run = worker.run
    row = world.rows[run]
    taken = claimed(row, rules)
    if taken == row:
        yield Step("drop", run), _work(world, number, FREE)
        return
    busy = any(
        other.state is RunState.RUNNING for one, other in enumerate(world.rows) if one != run
    )
    if busy and worker.at == "received":
        # Skipped, another try would hide how the last one ended.
        gone = held(row) if row.attempt else ended(row, RunState.SKIPPED)
        yield Step("give way", run), _work(_write(world, run, gone), number, FREE)
    elif not rules.slot_in_claim and worker.at == "received":
        yield Step("look", run), _work(world, number, worker._replace(at="checked"))
    else:
        body = Worker("body", run, taken.attempt)
        yield Step("claim", run, taken.attempt), _work(_write(world, run, taken), number, body)


def _faults(world: World) -> Iterator[tuple[Step, World]]:
    for number, beat in enumerate(world.beats):
        if beat != IDLE:
            yield Step("beat dies", beat.run), _tell(world, number, IDLE)
    for number, worker in enumerate(world.workers):
        if worker.at != "idle":
            yield Step("worker dies", worker.run), _work(world, number, FREE)
        if worker.at in EXECUTING and not worker.frozen:
            frozen = worker._replace(frozen=True)
            yield Step("worker freezes", worker.run), _work(world, number, frozen)
    for run, copies in enumerate(world.messages):
        if 0 < copies < MOST_COPIES:
            yield Step("message doubles", run), _send(world, run)
    if any(world.messages):
        none = (0,) * len(world.messages)
        yield Step("broker forgets"), world._replace(messages=none, forgotten=True)
    if not world.outage and any(row.state is RunState.RUNNING for row in world.rows):
        yield Step("database comes back"), world._replace(outage=True)


def _send(world: World, run: int) -> World:
    copies = min(MOST_COPIES, world.messages[run] + 1)
    return world._replace(messages=_replace(world.messages, run, copies))


def _write(world: World, run: int, row: Row) -> World:
    return world._replace(rows=(*world.rows[:run], row, *world.rows[run + 1 :]))


def _tell(world: World, number: int, beat: Beat) -> World:
    beats = (*world.beats[:number], beat, *world.beats[number + 1 :])
    return world._replace(beats=tuple(sorted(beats)))


def _work(world: World, number: int, worker: Worker) -> World:
    workers = (*world.workers[:number], worker, *world.workers[number + 1 :])
    return world._replace(workers=tuple(sorted(workers)))


def _replace(numbers: tuple[int, ...], index: int, value: int) -> tuple[int, ...]:
    return (*numbers[:index], value, *numbers[index + 1 :])
