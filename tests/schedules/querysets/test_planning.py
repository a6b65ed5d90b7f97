"""What planning writes is what the ORM would write, down to the last column."""

import re
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from schedules.dispatch import plan_due
from schedules.lease import instance_id
from schedules.models import Job, Run
from schedules.querysets.planning import (
    PlannedRun,
    move_on,
    write_calls,
    write_runs,
)
from schedules.states import Origin, RunState
from tests.sql import run_sql

pytestmark = pytest.mark.django_db


def unsaved_runs(job: Job, now: datetime) -> list[Run]:
    common: dict[str, Any] = {
        "job": job,
        "job_key": job.key,
        "origin": Origin.TIMETABLE,
        "instance_id": instance_id(),
        "options": {"time_limit": 5.5},
        **{name: getattr(job, name) for name in ("task", "args", "kwargs", "priority", "queue")},
    }
    to_run = Run(**common, scheduled_at=now, due_at=now, expires_at=now, publish_at=now, sends=1)
    passed = Run(
        **common,
        scheduled_at=now - timedelta(hours=1, microseconds=5),
        due_at=now,
        until=now - timedelta(minutes=1),
        count=60,
        state=RunState.MISSED,
        reason="found 'too' late: 100 %",
        finished_at=now,
    )
    return [to_run, passed]


def contents(run: Run) -> dict[str, Any]:
    stored = Run.objects.get(task_id=run.task_id)
    own = {"id", "task_id", "created_at"}
    return {f.attname: getattr(stored, f.attname) for f in Run._meta.fields if f.name not in own}


def test_a_planned_run_is_the_row_that_the_orm_would_write(
    make_job: Callable[..., Job], now: datetime
) -> None:
    job = make_job(args=[1, "é"], kwargs={"a": None}, priority=3, queue="urgent")
    by_orm = Run.objects.bulk_create(unsaved_runs(job, now))
    expected = [contents(run) for run in by_orm]
    Run.objects.all().delete()

    runs = unsaved_runs(job, now)
    write_runs(connection, runs)

    assert [contents(run) for run in runs] == expected


def test_runs_that_have_all_but_their_job_in_common_are_written_as_any_others(
    make_job: Callable[..., Job], now: datetime
) -> None:
    jobs = [make_job("a", args=[1]), make_job("b", args=[2]), make_job("c")]
    runs = [unsaved_runs(job, now)[0] for job in jobs]
    expected = [contents(run) for run in Run.objects.bulk_create(runs)]
    Run.objects.all().delete()

    write_runs(connection, runs)

    assert [contents(run) for run in runs] == expected


def test_the_jobs_that_are_due_are_read_in_the_order_of_their_index(
    make_job: Callable[..., Job], now: datetime
) -> None:
    make_job()
    if connection.vendor == "postgresql":
        # Of one row all is read, where the table has been looked at since it was empty.
        run_sql("SET LOCAL enable_seqscan = off")
        run_sql("SET LOCAL enable_bitmapscan = off")

    plan = Job.objects.due(now)[:1].explain()

    assert "job_due" in plan
    assert not re.search("sort|temp", plan, re.IGNORECASE)


def test_a_job_to_plan_is_the_job_that_the_orm_would_load(
    make_job: Callable[..., Job], now: datetime
) -> None:
    job = make_job(args=[1], jitter=timedelta(seconds=5), paused_at=now)

    [loaded] = Job.objects.filter(pk=job.pk).to_plan()

    whole = Job.objects.get(pk=job.pk)
    values = {field.attname: getattr(loaded, field.attname) for field in Job._meta.concrete_fields}
    assert values == {name: getattr(whole, name) for name in values}
    assert loaded == whole
    loaded.save()  # it is known to be there


def calls(now: datetime, job: Job) -> list[Run]:
    """Arguments that are equal in Python are others in JSON, and to a task."""
    first = Run(
        origin=Origin.CALL,
        job=job,
        job_key=job.key,
        natural_key="a",
        task="sample_jobs.add",
        args=[1, now, {"é": None}],
        options={"link": [{"task": "x"}]},
        scheduled_at=now,
        due_at=now,
        expires_at=now + timedelta(hours=1),
        publish_at=now,
        sends=1,
        retries=2,
        priority=3,
        queue="urgent",
        parent_id=instance_id(),
    )
    plain: dict[str, Any] = {"origin": Origin.CALL, "task": "sample_jobs.add"}
    plain |= {"scheduled_at": now, "due_at": now, "publish_at": now}
    return [
        first,
        Run(**plain, natural_key="b", args=[1], kwargs={"y": 1}),
        Run(**plain, args=[True], kwargs={"y": 1.0}),
    ]


@pytest.mark.parametrize("few", [1, 3])
def test_a_call_is_the_row_that_the_orm_would_write(
    make_job: Callable[..., Job], now: datetime, few: int
) -> None:
    job = make_job()
    expected = [repr(contents(run)) for run in Run.objects.bulk_create(calls(now, job)[-few:])]
    Run.objects.all().delete()

    runs = calls(now, job)[-few:]
    write_calls(connection, runs)
    write_calls(connection, runs, ignore_conflicts=True)

    assert [repr(contents(run)) for run in runs] == expected
    with pytest.raises(IntegrityError), transaction.atomic():
        write_calls(connection, runs)


def test_an_occurrence_that_has_its_run_keeps_it(
    make_job: Callable[..., Job], now: datetime
) -> None:
    job = make_job()
    first, second = unsaved_runs(job, now), unsaved_runs(job, now)

    write_runs(connection, first)
    write_runs(connection, second)

    assert set(Run.objects.values_list("task_id", flat=True)) == {run.task_id for run in first}


def test_jobs_go_on_where_they_are_told(make_job: Callable[..., Job], now: datetime) -> None:
    jobs = [make_job("a"), make_job("b"), make_job("c")]
    jobs[0].next_run_at = jobs[0].next_due_at = now + timedelta(hours=1)
    jobs[1].next_run_at = jobs[1].next_due_at = None

    move_on(connection, jobs[:2])

    found = list(Job.objects.order_by("key").values_list("next_run_at", "next_due_at"))
    assert found == [(now + timedelta(hours=1),) * 2, (None, None), (now, now)]


def test_what_is_sent_of_a_planned_run_is_what_its_row_says(
    make_job: Callable[..., Job], now: datetime
) -> None:
    make_job(args=[1, "é"], kwargs={"a": 2}, priority=3, queue="urgent", exclusive=True)

    (planned,) = plan_due(now=now)

    row = Run.objects.get(task_id=planned.task_id)
    names = [field.name for field in fields(PlannedRun)]
    names += ["job_id", "job_key", "task", "args", "kwargs", "priority", "queue", "retries"]
    assert [getattr(planned, name) for name in names] == [getattr(row, name) for name in names]
