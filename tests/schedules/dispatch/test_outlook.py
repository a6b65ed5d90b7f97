"""One statement says what a tick has to do, and when the next one has."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from schedules.dispatch import absorb_edits, look_ahead
from schedules.models import Backfill, Job, Run, Touched
from schedules.operations.install import install_functions
from schedules.querysets.clock import database_now
from schedules.registry import declared_as
from tests.sql import run_sql

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def test_with_nothing_to_do_it_is_one_statement_that_looks_a_day_ahead() -> None:
    with CaptureQueriesContext(connection) as statements:
        seen = look_ahead()

    assert len(statements) == 1
    assert (seen.has_edits, seen.has_due, seen.has_outbox, seen.has_backfills) == (False,) * 4
    assert seen.next_in == timedelta(days=1)
    assert abs(database_now() - seen.now) < 10 * SECOND


def test_what_is_to_be_done_is_seen(
    make_job: Callable[..., Job], make_run: Callable[..., Run]
) -> None:
    now = database_now()
    job = make_job(due=now - SECOND)
    make_run(publish_at=now - SECOND)
    Touched.objects.create(periodic_task_id=1, at=now)
    Backfill.objects.create(job=job, first=now, last=now, which="all", total=1, created_at=now)

    seen = look_ahead()

    assert (seen.has_edits, seen.has_due, seen.has_outbox, seen.has_backfills) == (True,) * 4
    assert seen.next_in == timedelta(0)


@pytest.mark.parametrize("first", ["job", "run"])
def test_what_comes_first_is_slept_up_to(
    make_job: Callable[..., Job], make_run: Callable[..., Run], first: str
) -> None:
    near, far = database_now() + 60 * SECOND, database_now() + 90 * SECOND
    make_job(due=near if first == "job" else far)
    make_run(publish_at=near if first == "run" else far)

    seen = look_ahead()

    assert (seen.has_due, seen.has_outbox) == (False, False)
    assert abs(seen.now + seen.next_in - near) < SECOND / 10


@pytest.mark.parametrize(
    "nonsense", ["2026-99-01 00:00:00", "soon"] if connection.vendor == "sqlite" else ["infinity"]
)
def test_an_instant_that_makes_no_sense_stops_no_tick(
    make_job: Callable[..., Job], make_run: Callable[..., Run], nonsense: str
) -> None:
    broken = make_job()
    make_run(publish_at=database_now() + 60 * SECOND)
    run_sql("UPDATE schedules_job SET next_due_at = %s WHERE id = %s", nonsense, broken.pk)

    assert SECOND < look_ahead().next_in <= 61 * SECOND


def test_an_edit_is_brought_into_force_by_eight_statements(
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    install_functions([declared_as("sample_jobs.add")])
    crontab = CrontabSchedule.objects.create(minute="0", hour="3", timezone="UTC")
    other = CrontabSchedule.objects.create(minute="0", hour="5", timezone="UTC")
    task = PeriodicTask.objects.create(
        name="nightly", task="sample_jobs.add", args="[1]", crontab=crontab
    )
    # PostgreSQL's triggers note an edit when it commits, which a test does not.
    Touched.objects.create(periodic_task_id=task.pk, at=database_now())
    absorb_edits(now=database_now())
    task.crontab = other
    task.save()
    now = database_now()
    Touched.objects.create(periodic_task_id=task.pk, at=now)

    # And a savepoint; SQLite is asked besides whether the row can be read at all.
    with django_assert_max_num_queries(10 if connection.vendor == "postgresql" else 11):
        assert absorb_edits(now=now) == 1

    assert Job.objects.get().version == 2


@pytest.mark.skipif(connection.vendor == "sqlite", reason="keeps plans")
def test_it_is_cheap_to_plan() -> None:
    with CaptureQueriesContext(connection) as statements:
        look_ahead()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statements[0]['sql']}")
        plan = "\n".join(step for (step,) in cursor.fetchall())

    assert "InitPlan" in plan
    assert not [node for node in ("Aggregate", "CTE", "Join", "Loop") if node in plan]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="keeps no plans")
def test_no_plan_is_kept_from_a_time_when_the_ledger_was_empty() -> None:
    for _ in range(10):
        look_ahead()

    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        kept = [statement for (statement,) in cursor.fetchall()]
    assert not [statement for statement in kept if "schedules_touched" in statement]
