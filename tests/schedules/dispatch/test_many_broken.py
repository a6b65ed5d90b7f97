"""Of very many broken rows a part is set aside at once, and nobody waits for the rest."""

from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from django_celery_results.models import TaskResult

from schedules.broker import EMPTY
from schedules.dispatch import (
    BrokenRows,
    absorb_edits,
    end_expired,
    mend_after,
    plan_due,
    publish,
    take_outbox,
)
from schedules.dispatch.broken import BROKEN, MOST_RUNS
from schedules.finish.record import record
from schedules.models import Dependency, Job, Run, Touched
from schedules.signals import run_finished
from schedules.states import RunState
from tests.broker import running_broker
from tests.sql import run_sql

pytestmark = pytest.mark.django_db(transaction=True)

MakeJob = Callable[..., Job]
MakeRun = Callable[..., Run]
SECOND = timedelta(seconds=1)

UNREADABLE = '{"at": {"__type__": "datetime", "__value__": "soon"}}'
"""JSON in every database, and nothing that can be loaded."""

broken_module = import_module("schedules.dispatch.broken")
publish_module = import_module("schedules.dispatch.publish")


sqlite = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="PostgreSQL keeps such values out"
)


class Statements:
    """Counts what is sent to the database."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, execute: Callable[..., Any], *statement: Any) -> Any:
        self.number += 1
        return execute(*statement)


def break_runs(number: int, make_run: MakeRun, *, kwargs: str = UNREADABLE, **fields: Any) -> None:
    """Have a number of waiting runs broken by one statement."""
    one = make_run(**fields)
    copies = []
    for _ in range(number - 1):
        copy = Run.objects.get(pk=one.pk)
        copy.pk, copy.task_id, copy._state.adding = None, uuid4(), True
        copies.append(copy)
    Run.objects.bulk_create(copies)
    run_sql("UPDATE schedules_run SET kwargs = %s", kwargs)


def test_of_a_thousand_broken_runs_none_keeps_a_healthy_one_from_being_sent_in_the_same_tick(
    make_run: MakeRun, now: datetime
) -> None:
    break_runs(1000, make_run)
    healthy = make_run(due_at=now + SECOND)
    statements = Statements()

    with connection.execute_wrapper(statements):
        taken = take_outbox(now=now + SECOND, limit=10, backlog=EMPTY)

    assert [run.pk for run in taken] == [healthy.pk]
    assert Run.objects.filter(state="failed").count() == MOST_RUNS
    assert statements.number < 1.5 * MOST_RUNS

    for tick in range(2, 5):
        assert take_outbox(now=now + tick * SECOND, limit=10, backlog=EMPTY) == []

    failed = Run.objects.filter(state="failed", publish_at=None, finished_at__isnull=False)
    assert failed.filter(reason__startswith=f"{BROKEN}kwargs is ").count() == 1000
    assert TaskResult.objects.filter(status="FAILURE").count() == 1000


def test_runs_that_are_ended_together_have_each_what_follows(
    make_run: MakeRun, make_job: MakeJob, now: datetime
) -> None:
    job = make_job("before")
    Dependency.objects.create(upstream=job, job=make_job("after"), on="failed", since=now)
    heard: list[int] = []

    def hear(*, run_id: int, **_: Any) -> None:
        heard.append(run_id)

    run_finished.connect(hear)
    link_error = [{"task": "sample_jobs.report_failure", "args": [], "kwargs": {}, "options": {}}]
    break_runs(3, make_run, job=job, job_key=job.key, options={"link_error": link_error})

    BrokenRows().look_on(now=now)

    ended = dict(Run.objects.filter(job=job).values_list("task_id", "pk"))
    assert sorted(heard) == sorted(ended.values())
    after = Run.objects.filter(job_key="after")
    assert set(after.values_list("parent_id", flat=True)) == set(ended)
    assert Run.objects.filter(task="sample_jobs.report_failure").count() == 3


def test_a_broken_run_that_cannot_be_ended_is_left_out_and_all_others_are(
    make_run: MakeRun, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_runs(5, make_run)
    stubborn = Run.objects.order_by("pk").values_list("pk", flat=True)[2]
    healthy = make_run(due_at=now + SECOND)

    def refuse(run: Run, *args: Any, **fields: Any) -> None:
        if run.pk == stubborn:
            raise TypeError("nothing can follow")
        record(run, *args, **fields)

    monkeypatch.setattr("schedules.finish.waiting.record", refuse)

    taken = take_outbox(now=now + SECOND, limit=3, backlog=EMPTY)

    assert [run.pk for run in taken] == [healthy.pk]
    assert Run.objects.filter(state="failed").count() == TaskResult.objects.count() == 4
    assert Run.objects.filter(pk=stubborn, state="planned").exists()


def test_of_very_many_runs_without_a_message_some_fail_after_the_others_are_sent(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(publish_module, "MOST_RUNS", 20)
    break_runs(30, make_run, kwargs='"text"')
    healthy = make_run(state=RunState.SENT)
    runs = list(Run.objects.order_by("pk"))
    statements = Statements()

    with running_broker(tmp_path), connection.execute_wrapper(statements):
        assert publish(runs) == 1

    states = list(Run.objects.order_by("pk").values_list("state", flat=True))
    assert states == ["failed"] * 20 + ["planned"] * 10 + ["sent"]
    assert Run.objects.get(sent_at__isnull=False) == healthy
    assert TaskResult.objects.filter(status="FAILURE").count() == 20
    assert statements.number < 2 * 20


@sqlite
def test_of_many_broken_jobs_none_keeps_a_healthy_one_from_being_planned(
    make_job: MakeJob, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broken_module, "MOST_JOBS", 2)
    for number in range(3):
        make_job(f"broken {number}", due=now - SECOND)
    run_sql("UPDATE schedules_job SET misfire_grace = 'x'")
    make_job("healthy")

    assert [run.job_key for run in plan_due(now=now)] == ["healthy"]
    assert Job.objects.filter(invalid_reason="").count() == 2
    assert plan_due(now=now) == []

    assert [job.key for job in Job.objects.filter(invalid_reason="")] == ["healthy"]


@sqlite
def test_a_run_of_a_broken_job_that_is_left_keeps_no_other_from_expiring(
    make_run: MakeRun, make_job: MakeJob, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broken_module, "MOST_JOBS", 1)
    jobs = [make_job(f"broken {number}") for number in range(2)]
    runs = [make_run(job=job, expires_at=now) for job in [*jobs, make_job("healthy")]]
    run_sql("UPDATE schedules_job SET misfire_grace = 'x' WHERE key LIKE 'broken%%'")

    assert end_expired(now=now + SECOND) == 2
    left = Run.objects.filter(state="planned").values_list("pk", flat=True)
    assert list(left) == [runs[1].pk]
    assert end_expired(now=now + SECOND) == 1


def test_what_is_asked_for_is_set_aside_before_other_broken_rows(
    make_run: MakeRun, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broken_module, "MOST_RUNS", 1)
    break_runs(2, make_run, due_at=now + SECOND)
    due = make_run()
    run_sql("UPDATE schedules_run SET kwargs = %s", UNREADABLE)

    assert take_outbox(now=now, limit=10, backlog=EMPTY) == []

    assert Run.objects.get(state="failed").pk == due.pk


def test_a_page_that_fails_has_all_broken_rows_set_aside(
    make_run: MakeRun, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broken_module, "MOST_RUNS", 2)
    break_runs(5, make_run)

    assert mend_after(ValueError("misread"), now=now)

    assert {run.state for run in Run.objects.all()} == {"failed"}


@sqlite
def test_an_edit_of_a_broken_job_is_read_also_where_many_others_are_broken(
    make_job: MakeJob, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broken_module, "MOST_JOBS", 1)
    make_job("other")
    hourly = IntervalSchedule.objects.create(every=1, period="hours")
    edited = PeriodicTask.objects.create(name="edited", task="sample_jobs.add", interval=hourly)
    make_job("edited", periodic_task=edited)
    run_sql("UPDATE schedules_job SET misfire_grace = 'x'")
    Touched.objects.all().delete()
    Touched.objects.create(periodic_task_id=edited.pk, at=now)

    assert absorb_edits(now=now) == 1

    broken = Job.objects.exclude(invalid_reason="").get()
    assert broken.key == "edited"
    assert not Touched.objects.exists()
