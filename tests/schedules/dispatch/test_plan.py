"""Planning, the outbox and the reaper, on real rows."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from schedules.broker import EMPTY, FULL, Backlog
from schedules.dispatch import end_expired, plan_due, reap, take_outbox
from schedules.lease import instance_id
from schedules.models import Instance, Job, Run, ScheduleVersion
from schedules.querysets.instances import LEASE
from schedules.states import InstanceKind, InstanceStatus, RunState
from tests.sql import run_sql

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
MakeJob = Callable[..., Job]
MakeRun = Callable[..., Run]


def test_a_due_job_is_planned_once_and_moves_on(make_job: MakeJob, now: datetime) -> None:
    job = make_job()

    first = plan_due(now=now)
    second = plan_due(now=now)

    assert [run.scheduled_at for run in first] == [now]
    assert second == []
    job.refresh_from_db()
    assert (job.next_run_at, job.next_due_at) == (now + MINUTE, now + MINUTE)


def test_an_occurrence_that_has_its_run_already_keeps_it(make_job: MakeJob, now: datetime) -> None:
    job = make_job()
    (first,) = plan_due(now=now)
    Job.objects.filter(pk=job.pk).update(next_run_at=now, next_due_at=now)  # as after a restore

    (again,) = plan_due(now=now)

    assert again.task_id == first.task_id
    assert Run.objects.count() == 1


def test_an_invalid_or_disabled_job_is_not_planned(make_job: MakeJob, now: datetime) -> None:
    make_job(next_run_at=None, next_due_at=None, is_enabled=False)

    assert plan_due(now=now) == []


@pytest.mark.parametrize(
    "timetable",
    [
        "{}",
        "[]",
        "null",
        '{"type": "cron", "expression": "61 * * * *", "tz": "UTC", "day_rule": "all"}',
        '{"type": "every", "microseconds": "x", "anchor": 5}',
    ],
)
@pytest.mark.parametrize("one_off", [False, True])
def test_a_job_whose_timetable_sql_has_corrupted_stops_nothing_else(
    make_job: MakeJob, now: datetime, timetable: str, one_off: bool
) -> None:
    broken = make_job("broken", due=now - MINUTE, one_off=one_off)
    make_job("healthy")
    run_sql("UPDATE schedules_job SET timetable = %s WHERE id = %s", timetable, broken.pk)

    assert [run.job_key for run in plan_due(now=now)] == ["healthy"]

    broken.refresh_from_db()
    assert broken.invalid_reason.startswith("What is in force of it cannot be planned: ")
    assert (broken.timetable, broken.next_run_at, broken.next_due_at) == (None, None, None)
    assert broken.is_enabled
    version = ScheduleVersion.objects.get(job=broken)
    assert (version.number, version.timetable) == (broken.version, None)
    assert version.reason == broken.invalid_reason
    assert not Job.objects.due(now).exists()


def test_a_one_off_job_is_disabled_when_it_is_spent(make_job: MakeJob, now: datetime) -> None:
    job = make_job(one_off=True)

    plan_due(now=now)

    job.refresh_from_db()
    assert (job.is_enabled, job.next_run_at) == (False, None)


def test_a_run_that_was_never_sent_is_found_in_the_outbox(make_job: MakeJob, now: datetime) -> None:
    make_job()
    (run,) = plan_due(now=now)

    assert take_outbox(now=now, limit=10, backlog=EMPTY) == []
    assert take_outbox(now=now + timedelta(seconds=5), limit=10, backlog=FULL) == [
        Run.objects.get(task_id=run.task_id)
    ]


def test_a_sent_run_is_sent_again_only_without_a_backlog(make_run: MakeRun, now: datetime) -> None:
    sent_at = now - timedelta(seconds=20)
    run = make_run(state=RunState.SENT, sent_at=sent_at, publish_at=now, sends=1)

    assert take_outbox(now=now, limit=10, backlog=FULL) == []
    run.refresh_from_db()
    # Looked at again after as long as it has waited so far, and not counted as sent.
    assert (run.publish_at, run.sends) == (now + timedelta(seconds=20), 1)
    assert take_outbox(now=now + timedelta(seconds=20), limit=10, backlog=EMPTY) == [run]


def test_a_sent_run_that_younger_ones_have_overtaken_is_sent_again(
    make_run: MakeRun, now: datetime
) -> None:
    lost = make_run(state=RunState.SENT, sent_at=now, publish_at=now + MINUTE, sends=1)
    make_run(
        state=RunState.SUCCEEDED,
        sent_at=now + timedelta(seconds=30),
        started_at=now + timedelta(seconds=30),
        finished_at=now + timedelta(seconds=31),
    )

    assert take_outbox(now=now + MINUTE, limit=10, backlog=FULL) == [lost]


@pytest.mark.parametrize("state", [RunState.MISSED, RunState.CANCELLED, RunState.LOST])
def test_what_ended_without_a_worker_says_nothing_of_the_messages_before_it(
    make_run: MakeRun, now: datetime, state: RunState
) -> None:
    make_run(state=RunState.SENT, sent_at=now, publish_at=now + MINUTE, sends=1)
    make_run(
        state=state,
        started_at=now if state is RunState.LOST else None,  # by the try before
        sent_at=now + timedelta(seconds=30),
        finished_at=now + timedelta(seconds=59),
    )

    assert take_outbox(now=now + MINUTE, limit=10, backlog=FULL) == []


@pytest.mark.parametrize("passing", [{"priority": 5}, {"queue": "other"}])
def test_what_passes_a_backlog_by_rights_does_not_have_it_sent_again(
    make_run: MakeRun, now: datetime, passing: dict[str, Any]
) -> None:
    make_run(state=RunState.SENT, sent_at=now, publish_at=now + MINUTE, sends=1)
    make_run(
        state=RunState.SUCCEEDED,
        sent_at=now + timedelta(seconds=30),
        started_at=now + timedelta(seconds=30),
        finished_at=now + timedelta(seconds=31),
        **passing,
    )

    assert take_outbox(now=now + MINUTE, limit=10, backlog=FULL) == []


def test_a_backlog_in_one_queue_is_none_for_what_was_sent_to_another(
    make_run: MakeRun, now: datetime
) -> None:
    lost, *_ = (
        make_run(state=RunState.SENT, sent_at=now, publish_at=now + MINUTE, sends=1, queue=queue)
        for queue in ("reports", "", "never looked at")
    )
    backlog = Backlog({"celery": 5_000, "reports": 0})

    assert take_outbox(now=now + MINUTE, limit=10, backlog=backlog) == [lost]


@pytest.mark.parametrize(
    ("backlog", "seconds"),
    [
        (EMPTY, 5),
        (FULL, 5),
        (Backlog({"celery": 4_000}), 5),
        (Backlog({"celery": 20_000, "reports": 90_000}), 20),
        (Backlog({"celery": 5_000_000}), 600),
    ],
)
def test_a_run_is_first_looked_at_when_what_waits_before_it_can_have_been_worked_off(
    make_job: MakeJob, now: datetime, backlog: Backlog, seconds: int
) -> None:
    make_job()

    (run,) = plan_due(now=now, backlog=backlog)

    assert run.publish_at == now + timedelta(seconds=seconds)


def test_what_was_never_sent_is_not_behind_all_that_waits_in_the_broker(
    make_run: MakeRun, now: datetime
) -> None:
    for _ in range(20):
        make_run(state=RunState.SENT, sent_at=now, publish_at=now + MINUTE, sends=1)
    new = make_run(publish_at=now + MINUTE)

    assert take_outbox(now=now + MINUTE, limit=10, backlog=FULL) == [new]


def test_a_run_that_was_offered_for_days_while_the_broker_was_away_still_goes_out(
    make_run: MakeRun, now: datetime
) -> None:
    run = make_run(sends=32_767)

    assert take_outbox(now=now, limit=10, backlog=EMPTY) == [run]

    run.refresh_from_db()
    assert (run.sends, run.publish_at) == (32_767, now + timedelta(seconds=5))


def way_of(sql: str) -> str:
    """Return how SQLite would go about the statement."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return str(cursor.fetchall())


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL goes by its statistics")
def test_what_is_ready_is_not_looked_for_among_all_that_waits_in_the_broker(
    make_run: MakeRun, now: datetime
) -> None:
    make_run(state=RunState.SENT, sent_at=now, publish_at=now + MINUTE, sends=1)

    with CaptureQueriesContext(connection) as captured:
        take_outbox(now=now + MINUTE, limit=10, backlog=FULL)

    asked = [one["sql"] for one in captured if 'FROM "schedules_run"' in one["sql"]]
    ways = [way_of(sql) for sql in asked if '"publish_at" <=' in sql]
    assert len(ways) == 4
    assert [way for way in ways if "run_outbox" not in way] == []


@pytest.mark.parametrize(
    ("ago", "pause"), [(3, 5), (5, 5), (6, 10), (20, 20), (21, 40), (500, 600), (5_000, 600)]
)
def test_the_pause_between_two_looks_doubles_up_to_ten_minutes(
    make_run: MakeRun, now: datetime, ago: int, pause: int
) -> None:
    sent_at = now - timedelta(seconds=ago)
    run = make_run(state=RunState.SENT, sent_at=sent_at, publish_at=now, sends=1)

    take_outbox(now=now, limit=10, backlog=FULL)

    run.refresh_from_db()
    assert run.publish_at == now + timedelta(seconds=pause)


def test_a_run_that_nobody_took_within_its_grace_is_missed(
    make_run: MakeRun, now: datetime
) -> None:
    run = make_run(expires_at=now + MINUTE)

    assert end_expired(now=now + MINUTE) == 0
    assert end_expired(now=now + 2 * MINUTE) == 1
    run.refresh_from_db()
    assert (run.state, run.instance_id) == (RunState.MISSED, instance_id())
    assert "120 s" in run.reason


@pytest.mark.parametrize(
    ("on_lost", "state"), [("retry", RunState.RETRYING), ("fail", RunState.LOST)]
)
def test_the_run_of_a_silent_worker_is_taken_back_by_its_policy(
    make_run: MakeRun, now: datetime, on_lost: str, state: RunState
) -> None:
    worker = _instance(heartbeat_at=now)
    run = make_run(
        state=RunState.RUNNING, attempt=1, instance_id=worker.pk, options={"on_lost": on_lost}
    )

    assert reap(now=now + LEASE - timedelta(seconds=1)) == 0
    assert reap(now=now + LEASE) == 1
    run.refresh_from_db()
    assert run.state == state
    assert run.attempts.get().outcome == RunState.LOST


def test_a_run_whose_options_sql_has_broken_is_lost_and_the_others_are_taken_back(
    make_run: MakeRun, now: datetime
) -> None:
    worker = _instance(heartbeat_at=now)
    owned: dict[str, Any] = {"state": RunState.RUNNING, "attempt": 1, "instance_id": worker.pk}
    broken, other = (make_run(**owned, options={"on_lost": "retry"}) for _ in range(2))
    run_sql("UPDATE schedules_run SET options = %s WHERE id = %s", "[]", broken.pk)

    assert reap(now=now + LEASE) == 2

    ended = Run.objects.in_bulk()
    assert (ended[broken.pk].state, ended[other.pk].state) == (RunState.LOST, RunState.RETRYING)


def test_a_run_that_kills_its_worker_three_times_ends_as_lost(
    make_job: MakeJob, make_run: MakeRun, now: datetime
) -> None:
    worker = _instance(heartbeat_at=now - LEASE)
    job = make_job(on_lost="retry")
    run = make_run(job=job)
    for attempt in (1, 2, 3):
        Run.objects.filter(pk=run.pk).update(
            state=RunState.RUNNING, publish_at=None, attempt=attempt, slot=1, instance_id=worker.pk
        )
        assert reap(now=now) == 1

    run.refresh_from_db()
    job.refresh_from_db()
    assert run.state == RunState.LOST
    assert "3 times" in job.flagged_reason


def _instance(*, heartbeat_at: datetime) -> Instance:
    return Instance.objects.create(
        kind=InstanceKind.WORKER,
        name="worker",
        host="here",
        pid=1,
        status=InstanceStatus.RUNNING,
        started_at=heartbeat_at,
        heartbeat_at=heartbeat_at,
    )
