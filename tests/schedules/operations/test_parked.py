"""Moving and cancelling one call, also while Beat is about to tell the broker of it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from schedules.broker import EMPTY
from schedules.dispatch import take_outbox
from schedules.dispatch.repair import end_expired
from schedules.models import Job, Run
from schedules.operations.cancel import CANCELLED, cancel_run
from schedules.operations.parked import NotParked, is_parked, move_run
from schedules.querysets.clock import database_now
from schedules.states import Origin, RunState

pytestmark = pytest.mark.django_db

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def move(run: Run, at: datetime) -> Run:
    return move_run(run, at=at, by="ada", source="cli", now=database_now())


@pytest.mark.parametrize("grace", [MINUTE, None])
def test_a_call_that_is_moved_keeps_its_grace(
    make_run: Callable[..., Run], grace: timedelta | None
) -> None:
    due_at = database_now() + MINUTE
    run = make_run(due_at=due_at, expires_at=None if grace is None else due_at + grace)

    moved = move(run, due_at + DAY)

    assert moved.expires_at == (None if grace is None else due_at + DAY + grace)
    assert end_expired(now=due_at + DAY) == 0


def test_another_try_of_a_job_that_is_moved_is_not_ended_before_its_time(
    make_job: Callable[..., Job], make_run: Callable[..., Run]
) -> None:
    job, due_at = make_job(misfire_grace=MINUTE), database_now() + MINUTE
    again = make_run(
        job=job,
        job_key=job.key,
        origin=Origin.OPERATOR,
        state=RunState.RETRYING,
        attempt=1,
        due_at=due_at,
        expires_at=due_at + MINUTE,
    )

    move(again, due_at + DAY)

    assert end_expired(now=due_at + DAY) == 0
    assert [run.pk for run in take_outbox(now=due_at + DAY, limit=9, backlog=EMPTY)] == [again.pk]


@pytest.mark.parametrize("origin", [Origin.TIMETABLE, Origin.DEPENDENCY])
def test_what_a_timetable_or_another_job_brings_is_no_parked_call(
    make_job: Callable[..., Job], make_run: Callable[..., Run], origin: Origin
) -> None:
    job = make_job()
    run = make_run(job=job, job_key=job.key, origin=origin)

    assert not is_parked(run)
    with pytest.raises(NotParked):
        move(run, database_now() + DAY)


def test_a_call_on_its_way_to_the_broker_is_not_moved_and_is_moved_after_a_refusal(
    make_run: Callable[..., Run], now: datetime
) -> None:
    run = make_run()
    take_outbox(now=now, limit=9, backlog=EMPTY)

    with pytest.raises(NotParked, match="is sent"):
        move(run, database_now() + DAY)
    Run.objects.mark_unsent([run.task_id])
    run.refresh_from_db()
    move(run, database_now() + DAY)

    assert Run.objects.mark_sent([run.task_id]) == 0
    assert Run.objects.claim(run.task_id, task=run.task, instance_id=uuid4(), pid=1) is None
    run.refresh_from_db()
    assert (run.state, run.sends, run.sent_at) == (RunState.PLANNED, 0, None)


def test_a_call_on_its_way_to_the_broker_is_cancelled_and_stays_so(
    make_run: Callable[..., Run], now: datetime
) -> None:
    run = make_run()
    take_outbox(now=now, limit=9, backlog=EMPTY)
    run.refresh_from_db()

    assert cancel_run(run, by="ada", source="cli", now=now) == CANCELLED

    assert Run.objects.mark_sent([run.task_id]) + Run.objects.mark_unsent([run.task_id]) == 0
    assert Run.objects.claim(run.task_id, task=run.task, instance_id=uuid4(), pid=1) is None
    run.refresh_from_db()
    assert (run.state, run.publish_at) == (RunState.CANCELLED, None)
