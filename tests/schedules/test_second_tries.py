"""Second tries have a grace of their own; what is found too late is not begun again."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from celery import current_app, states
from celery.exceptions import NotRegistered

from schedules.broker import EMPTY
from schedules.dispatch import end_expired, reap, take_outbox
from schedules.finish import TAKEN_BACK_WITHIN
from schedules.lease import instance_id
from schedules.models import GlobalPause, Instance, Job, Run
from schedules.querysets.clock import database_now
from schedules.states import InstanceKind, OnLost, Origin, Overlap, RunState
from schedules.testing import execute_run

pytestmark = pytest.mark.django_db(transaction=True)

GRACE = timedelta(seconds=60)
MakeRun = Callable[..., Run]


@pytest.fixture
def job(make_job: Callable[..., Job]) -> Job:
    later = database_now() + timedelta(days=1)
    return make_job(due=later, on_lost=OnLost.RETRY, misfire_grace=GRACE, max_retries=1)


def claimed(make_run: MakeRun, job: Job, *args: Any, **fields: Any) -> Run:
    due_at = database_now()
    run = make_run(*args, job=job, due_at=due_at, expires_at=due_at + GRACE, **fields)
    taken = Run.objects.claim(run.task_id, task=run.task, instance_id=uuid4(), pid=1)
    assert taken is not None
    return taken


def worker(run: Run, *, silent_since: datetime) -> None:
    """Give the run a worker that was last heard of then."""
    Instance.objects.create(
        id=run.instance_id,
        kind=InstanceKind.WORKER,
        name="gone",
        host="h",
        pid=1,
        started_at=silent_since,
        heartbeat_at=silent_since,
    )


def test_a_try_after_a_failure_may_start_although_the_first_one_s_grace_is_over(
    make_run: MakeRun, job: Job
) -> None:
    Job.objects.update(retry_delay=timedelta(minutes=5))
    due_at = database_now()
    run = make_run("sample_jobs.leave_mark", "a", job=job, due_at=due_at, expires_at=due_at + GRACE)
    Run.objects.filter(pk=run.pk).update(kwargs={"fail": True})

    run = execute_run(run)

    assert run.state == RunState.RETRYING
    assert run.expires_at == run.due_at + GRACE
    assert end_expired(now=run.due_at + timedelta(seconds=59)) == 0


@pytest.mark.parametrize(
    ("way", "state", "error"),
    [
        ("fail", RunState.FAILED, "ValueError: no paper"),
        ("ask", RunState.FAILED, "ValueError: no paper"),
        ("ask without a cause", RunState.SKIPPED, ""),
    ],
)
def test_a_try_that_a_newer_call_stands_for_is_the_last_and_ends_with_its_own_words(
    way: str, state: RunState, error: str, make_run: MakeRun
) -> None:
    kwargs = {"key": "bill:7", "way": way}
    run = make_run("sample_jobs.fail_beside_a_newer_call", natural_key="bill:7", kwargs=kwargs)

    run = execute_run(run)

    assert (run.state, run.error) == (state, error)
    assert run.reason == "not tried again: a newer call for bill:7 waits"
    assert Run.objects.waiting().get(natural_key="bill:7").pk != run.pk


def test_a_try_that_nobody_began_in_time_ends_as_the_last_one_did(
    make_run: MakeRun, job: Job
) -> None:
    due_at = database_now()
    run = make_run("sample_jobs.leave_mark", "a", job=job, due_at=due_at, expires_at=due_at + GRACE)
    Run.objects.filter(pk=run.pk).update(kwargs={"fail": True})
    run = execute_run(run)

    end_expired(now=run.due_at + timedelta(minutes=2))

    run.refresh_from_db()
    assert (run.state, "a was marked in vain; not tried again" in run.error) == ("failed", True)
    assert current_app.AsyncResult(str(run.task_id)).state == states.FAILURE


def test_what_vanished_lately_is_tried_again_with_a_grace_of_its_own(
    make_run: MakeRun, job: Job
) -> None:
    run = claimed(make_run, job)
    worker(run, silent_since=database_now())

    reap(now=database_now() + GRACE)

    run.refresh_from_db()
    assert run.state == RunState.RETRYING
    assert run.expires_at == run.due_at + TAKEN_BACK_WITHIN + GRACE


def test_what_vanished_before_an_old_database_was_put_back_is_not_begun_again(
    make_run: MakeRun, job: Job
) -> None:
    run = claimed(make_run, job)
    worker(run, silent_since=database_now())

    assert reap(now=database_now() + timedelta(days=7)) == 1

    run.refresh_from_db()
    assert run.state == RunState.LOST
    assert "too long for another try" in run.reason


def test_nothing_that_an_old_database_still_had_to_do_fires_beyond_its_grace(
    make_run: MakeRun, job: Job
) -> None:
    Job.objects.update(one_off=True)  # in force, although it has no periodic task here
    due_at = database_now()
    runs = [
        make_run(job=job, state=state, due_at=due_at, expires_at=due_at + GRACE, **fields)
        for state, fields in (
            (RunState.PLANNED, {"origin": Origin.TIMETABLE}),
            (RunState.SENT, {"sent_at": due_at}),
            (RunState.RETRYING, {"attempt": 1, "error": "ValueError: no"}),
        )
    ]
    a_week_later = due_at + timedelta(days=7)

    end_expired(now=a_week_later)

    assert take_outbox(now=a_week_later, limit=10, backlog=EMPTY) == []
    assert [Run.objects.get(pk=run.pk).state for run in runs] == ["missed", "missed", "failed"]


def test_what_is_held_for_a_slot_keeps_its_grace(make_run: MakeRun, job: Job) -> None:
    Job.objects.update(overlap=Overlap.QUEUE_ALL)
    claimed(make_run, job)
    due_at = database_now()
    held = execute_run(make_run(job=job, due_at=due_at, expires_at=due_at + GRACE))

    assert held.state == RunState.PLANNED
    assert held.publish_at is not None
    assert held.expires_at is not None
    assert held.expires_at - held.publish_at > GRACE


def test_what_waited_through_a_pause_of_everything_says_so(make_run: MakeRun, job: Job) -> None:
    due_at = database_now()
    run = make_run(job=job, origin=Origin.TIMETABLE, due_at=due_at, expires_at=due_at + GRACE)
    GlobalPause.objects.create(started_at=due_at, by="ada", reason="moving house")
    Job.objects.update(one_off=True)  # in force, although it has no periodic task here

    end_expired(now=due_at + timedelta(minutes=2))

    run.refresh_from_db()
    assert (run.state, run.reason) == ("skipped", "everything is paused by ada: moving house")


@pytest.mark.parametrize(("age", "state"), [(0, "planned"), (6, "failed")])
def test_a_task_that_this_worker_does_not_know_waits_for_one_that_does_for_a_while(
    make_run: MakeRun, age: int, state: str
) -> None:
    run = make_run(due_at=database_now() - timedelta(minutes=age))

    current_app.backend.mark_as_failure(str(run.task_id), NotRegistered("sample_jobs.add"))

    run.refresh_from_db()
    assert (run.state, run.attempt) == (state, 0)
    shown = {"planned": states.PENDING, "failed": states.FAILURE}[state]
    assert current_app.AsyncResult(str(run.task_id)).state == shown
    assert run.instance_id in (None, instance_id())
