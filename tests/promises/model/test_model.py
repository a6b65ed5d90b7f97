"""The protocol holds in every order of events, needs each of its rules, and is the code's."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime
from importlib import import_module
from itertools import product
from operator import attrgetter
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from schedules import overlap
from schedules.broker import EMPTY
from schedules.dispatch import plan_due, take_outbox
from schedules.dispatch.repair import forget_sending
from schedules.errors import Superseded
from schedules.finish import Outcome, finish_attempt, finish_waiting, lose_attempt, resend_attempt
from schedules.lease import instance_id
from schedules.models import Job, Run
from schedules.overlap import give_way
from schedules.states import FINAL, WAITING, OnLost, Origin, RunState
from tests.promises.model import protocol
from tests.promises.model.protocol import CODE, MOST_ATTEMPTS, Row, Rules, Step, World
from tests.promises.model.search import Found, Way, search
from tests.promises.promise_jobs import effects, leave_effect
from tests.promises.world import MINUTE, in_the_past, make_job, undone

RULES = Rules()
SUCCESS = Outcome(state=RunState.SUCCEEDED)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("size", ["2 2 2 0", "2 1 2 1", "2 2 1 1", "1 2 2 2", "1 1 2 3"])
def test_the_protocol_holds_in_every_order_of_events(
    size: str, request: pytest.FixtureRequest
) -> None:
    occurrences, beats, workers, faults = map(int, size.split())
    faults += request.config.getoption("--thorough")

    found = search(occurrences=occurrences, beats=beats, workers=workers, faults=faults)

    assert found.violations == {}
    assert found.worlds > 3_000


@pytest.mark.parametrize("rule", [rule.name for rule in fields(Rules)])
def test_each_rule_is_needed(rule: str) -> None:
    without = Rules(**{rule: False})

    small = search(without, occurrences=1, beats=1, workers=1, stop_at_first=True)

    assert small.violations or search(without, stop_at_first=True).violations


@pytest.mark.parametrize("action", CODE)
def test_each_action_is_a_function_of_the_code(action: str) -> None:
    module, _, name = CODE[action].partition(":")

    assert callable(attrgetter(name)(import_module(module)))


def test_every_step_is_an_action_or_a_fault(found: Found) -> None:
    taken = {step.action for way in found.changes.values() for step, _ in way}
    faults = {"beat dies", "worker dies", "worker freezes", "thaw", "message doubles"}

    assert taken <= CODE.keys() | faults | {"broker forgets", "database comes back"}


@pytest.fixture(scope="module")
def found() -> Found:
    """A search with every way in which a run may change its state."""
    return search(occurrences=2, beats=1, workers=2, faults=1)


# Every function on a row in every state.


def _run_in(state: RunState, now: datetime, **fields: Any) -> Run:
    values: dict[str, Any] = {
        "task": "promise_jobs.effect",
        "origin": Origin.CALL,
        "state": state,
        "scheduled_at": now,
        "due_at": now,
        "attempt": 1,
        "instance_id": instance_id(),
        "started_at": now,
        "publish_at": now if state in WAITING else None,
        "finished_at": now if state in FINAL else None,
    }
    return Run.objects.create(**{**values, **fields})


def _lose(on_lost: OnLost) -> Callable[[Run], object]:
    def lose(run: Run) -> None:
        run.options = {"on_lost": on_lost}
        lose_attempt(run, reason="a test")

    return lose


def _is_told(run: Run) -> bool:
    """Whether the broker has it, of one that is sent; of others the time tells nothing any more."""
    return run.state == RunState.SENT and run.sent_at is not None


def _hand_over(run: Run) -> None:
    """Have the outbox take this one run."""
    Run.objects.waiting().filter(pk=run.pk).update(publish_at=LONG_AGO)
    for found in take_outbox(now=LONG_AGO, limit=1, backlog=EMPTY):
        assert found.pk == run.pk


FUNCTIONS: dict[str, tuple[Callable[[Run], object], Callable[[Row], Row]]] = {
    "mark": (
        lambda run: Run.objects.mark_sent([run.task_id]),
        lambda row: protocol.marked(row, RULES),
    ),
    "claim": (
        lambda run: _claim(run),
        lambda row: protocol.claimed(row, RULES),
    ),
    "finish": (
        lambda run: finish_attempt(run, SUCCESS),
        lambda row: protocol.finished(row, 1, RULES),
    ),
    "retry": (
        lambda run: resend_attempt(run, due_at=run.due_at, error="", message={}),
        lambda row: protocol.retried(row, 1),
    ),
    "reap, again": (_lose(OnLost.RETRY), lambda row: protocol.lost(row, 1, again=True)),
    "reap, lost": (_lose(OnLost.FAIL), lambda row: protocol.lost(row, 1, again=False)),
    "cancel": (
        lambda run: finish_waiting(run, Outcome(state=RunState.CANCELLED)),
        lambda row: protocol.ended(row, RunState.CANCELLED),
    ),
    "give way": (
        lambda run: finish_waiting(run, Outcome(state=RunState.SKIPPED)),
        lambda row: protocol.ended(row, RunState.SKIPPED),
    ),
    "give way, to wait": (lambda run: overlap._hold(run), protocol.held),
    "sweep": (_hand_over, protocol.handed_over),
    "remember": (lambda _: forget_sending(), protocol.unsent),
}


@pytest.mark.django_db
@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_code_takes_a_row_where_the_model_does(function: str) -> None:
    change, expected = FUNCTIONS[function]
    found, wanted = {}, {}
    for state, attempt in product(RunState, (1, 2)):
        run = _run_in(state, in_the_past(), attempt=attempt)
        run.attempt = 1  # what attempt 1 knows of it
        with suppress(Superseded), transaction.atomic():
            change(run)
        run.refresh_from_db()
        found[state, attempt] = (run.state, _is_told(run), run.attempt)
        after = expected(Row(state=state, attempt=attempt))
        wanted[state, attempt] = (after.state, after.told, after.attempt)

    assert found == wanted


# Walks through the model, step by step on a database.


class Replay:
    """The database beside the model: does what a step says and compares."""

    def __init__(self, occurrences: int) -> None:
        self.begin = in_the_past()
        self.job = make_job(
            "walk", "promise_jobs.effect", "walk", begin=self.begin, occurrences=occurrences
        )
        self.bodies: dict[tuple[int, int], Run] = {}

    def do(self, step: Step, world: World) -> None:
        """Do the step for real, and see that the rows are now as in the model's world."""
        action = getattr(self, f"_{step.action.replace(' ', '_')}", None)
        if action is not None:
            with transaction.atomic():  # a refused claim must not end the test's own transaction
                action(step)
        self._compare(world)

    def _compare(self, world: World) -> None:
        rows = Run.objects.filter(job=self.job).order_by("scheduled_at")
        found = [(run.state, _is_told(run), run.attempt, effects(str(run.task_id))) for run in rows]
        expected = [
            (row.state, row.told, row.attempt, row.effects)
            for row in world.rows
            if row.state is not None
        ]
        assert found == expected

    def _run(self, step: Step) -> Run:
        return Run.objects.get(job=self.job, scheduled_at=self.begin + step.run * MINUTE)

    def _plan(self, step: Step) -> None:
        plan_due(now=self.begin + step.run * MINUTE)

    def _mark(self, step: Step) -> None:
        Run.objects.mark_sent([self._run(step).task_id])

    def _sweep(self, step: Step) -> None:
        _hand_over(self._run(step))

    def _remember(self, _: Step) -> None:
        forget_sending()

    def _claim(self, step: Step) -> None:
        taken = _claim(self._run(step))
        assert taken is not None
        self.bodies[step.run, step.attempt] = taken

    def _drop(self, step: Step) -> None:
        with suppress(Run.DoesNotExist):
            assert _claim(self._run(step)) is None

    def _give_way(self, step: Step) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            _claim(self._run(step))
        assert not give_way(self._run(step))

    def _finish(self, step: Step) -> None:
        run = self.bodies[step.run, step.attempt]
        leave_effect(str(run.task_id))
        finish_attempt(run, SUCCESS)

    def _superseded(self, step: Step) -> None:
        with pytest.raises(Superseded), transaction.atomic():
            self._finish(step)

    def _retry(self, step: Step) -> None:
        run = self.bodies[step.run, step.attempt]
        resend_attempt(run, due_at=run.due_at, error="", message={})

    def _reap(self, step: Step) -> None:
        on_lost = OnLost.RETRY if protocol.may_run_again(step.run) else OnLost.FAIL
        Job.objects.filter(pk=self.job.pk).update(on_lost=on_lost)
        lose_attempt(self._run(step), reason="a test")

    def _cancel(self, step: Step) -> None:
        assert finish_waiting(self._run(step), Outcome(state=RunState.CANCELLED))


def _claim(run: Run) -> Run | None:
    return Run.objects.claim(run.task_id, task=run.task, instance_id=instance_id(), pid=1)


def _ways(found: Found, request: pytest.FixtureRequest) -> Iterator[Way]:
    """A shortest way to each change, and walks at random."""
    import random

    yield from found.changes.values()
    chance = random.Random(20260301)  # noqa: S311 - reproducible, not secret
    for _ in range(500 if request.config.getoption("--thorough") else 10):
        world = protocol.begin(occurrences=2, beats=2, workers=2, faults=3)
        way: Way = []
        while len(way) < 40 and (open_ways := list(protocol.successors(world, RULES))):
            step, world = chance.choice(open_ways)
            way.append((step, world))
        yield way


@pytest.mark.django_db(transaction=True)
def test_the_code_walks_every_way_of_the_model(
    found: Found, settings: Any, request: pytest.FixtureRequest
) -> None:
    # The model gives up sooner.
    settings.SCHEDULES = {**settings.SCHEDULES, "most_attempts": MOST_ATTEMPTS}
    for way in _ways(found, request):
        with undone():
            replay = Replay(occurrences=2)
            done: list[str] = []
            for step, world in way:
                done.append(f"{step.action} {step.run}")
                try:
                    replay.do(step, world)
                except BaseException as error:
                    error.add_note("; ".join(done))
                    raise
