"""Two connections at once, for the slots of one job: none stays empty while a run waits for it."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction

from schedules.finish import Outcome, finish_attempt, finish_waiting
from schedules.models import Job, Run
from schedules.querysets.clock import database_now
from schedules.states import RunState
from schedules.testing import execute_run
from tests.promises import promise_jobs  # noqa: F401 - declares the tasks
from tests.promises.world import at_once, in_the_past, make_instance, make_job

pytestmark = pytest.mark.django_db(transaction=True)

SUCCESS = Outcome(state=RunState.SUCCEEDED)
CANCELLED = Outcome(state=RunState.CANCELLED)

FullJob = tuple[list[Run], list[Run]]
"""The running runs of a job with two slots, and those that are held until one is free."""


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_an_end_waits_for_no_claim_and_sends_who_waits_behind_it(full_job: FullJob) -> None:
    (first, _), held = full_job
    # There is a place for it, which the ends of two others have left.
    Job.objects.update(max_instances=3)

    with transaction.atomic():
        assert _claim(held[0]) is not None
        at_once(_without_waiting(lambda: finish_attempt(first, SUCCESS)))

    held[0].refresh_from_db()
    assert (held[0].state, held[0].publish_at) == (RunState.RUNNING, None)
    assert _sent(held) == [held[1]]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.parametrize("outcome", [RunState.SUCCEEDED, RunState.FAILED])
def test_two_ends_at_once_send_two_of_those_who_wait(full_job: FullJob, outcome: RunState) -> None:
    (first, second), held = full_job

    with transaction.atomic():
        finish_attempt(first, Outcome(state=outcome))
        at_once(_without_waiting(lambda: finish_attempt(second, Outcome(state=outcome))))

    assert _sent(held) == held[:2]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_two_who_are_cancelled_at_once_pass_two_slots_on(full_job: FullJob) -> None:
    running, held = full_job
    for run in running:
        finish_attempt(run, SUCCESS)

    with transaction.atomic():
        finish_waiting(held[0], CANCELLED)
        at_once(_without_waiting(lambda: finish_waiting(held[1], CANCELLED)))

    assert _sent(held) == held[2:]


def test_two_runs_at_once_take_two_slots(races: int) -> None:
    now = database_now()
    job = make_job("two", "promise_jobs.effect", "x", begin=in_the_past(), max_instances=2)
    pairs = [[_run_of(job, now=now, publish_at=now) for _ in range(2)] for _ in range(races)]
    line = Barrier(2, timeout=60)

    def execute_each(which: int) -> Callable[[], None]:
        def execute_them() -> None:
            for pair in pairs:
                line.wait()
                execute_run(pair[which])

        return execute_them

    at_once(execute_each(0), execute_each(1))

    assert Counter(Run.objects.values_list("state", flat=True)) == {"succeeded": 2 * races}


@pytest.fixture
def full_job() -> FullJob:
    job = make_job("full", "promise_jobs.effect", "x", begin=in_the_past(), max_instances=2)
    now = database_now()
    at = [now + number * timedelta(minutes=1) for number in range(6)]
    held_until = now + timedelta(hours=1)
    runs = [_run_of(job, now=now, scheduled_at=each, publish_at=held_until) for each in at]
    running = [run for run in map(_claim, runs[:2]) if run is not None]
    return running, runs[2:]


def _run_of(job: Job, *, now: datetime, **fields: Any) -> Run:
    values: dict[str, Any] = {"scheduled_at": now, "due_at": now, **fields}
    return Run.objects.create(
        job=job, job_key=job.key, origin="operator", task=job.task, args=["x"], **values
    )


def _claim(run: Run) -> Run | None:
    worker = make_instance().id
    return Run.objects.claim(run.task_id, task=run.task, instance_id=worker, pid=1)


def _without_waiting(work: Callable[[], object]) -> Callable[[], None]:
    """Have the work fail where it has to wait for another transaction."""

    def do() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
        work()

    return do


def _sent(held: list[Run]) -> list[Run]:
    """Those of them that the outbox sends now."""
    sent = set(Run.objects.ready_to_send(database_now()).values_list("pk", flat=True))
    return [run for run in held if run.pk in sent]
