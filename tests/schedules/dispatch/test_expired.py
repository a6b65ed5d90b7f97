"""Runs that nobody took in time end many at once, each with all that an end has."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_celery_results.models import TaskResult

from schedules.dispatch import end_expired
from schedules.finish.record import record
from schedules.models import Job, Run
from schedules.signals import run_finished
from schedules.states import RunState
from tests.schedules import sample_jobs

pytestmark = pytest.mark.django_db(transaction=True)

MakeJob = Callable[..., Job]
MakeRun = Callable[..., Run]
MINUTE = timedelta(minutes=1)


def test_they_are_ended_together_and_each_is_told_of(
    make_run: MakeRun, make_job: MakeJob, now: datetime
) -> None:
    job = make_job()  # without a periodic task, and so disabled
    missed = [make_run(job=job, expires_at=now) for _ in range(9)]
    skipped = [
        make_run(job=job, origin="timetable", expires_at=now, scheduled_at=now + number * MINUTE)
        for number in range(3)
    ]
    heard: list[tuple[int, str]] = []

    def hear(*, run_id: int, state: RunState, **_: Any) -> None:
        heard.append((run_id, state.value))

    run_finished.connect(hear)
    with CaptureQueriesContext(connection) as statements:
        assert end_expired(now=now + MINUTE) == 12

    ended = [(run.pk, "missed") for run in missed] + [(run.pk, "skipped") for run in skipped]
    assert sorted(heard) == sorted(ended)
    assert sorted(Run.objects.values_list("pk", "state")) == sorted(ended)
    assert TaskResult.objects.filter(status="REVOKED").count() == 12
    said = [one["sql"] for one in statements]
    assert sum(sql.startswith('UPDATE "schedules_run"') for sql in said) == 2
    assert sum("schedules_globalpause" in sql for sql in said) == 1
    assert said.count("COMMIT") == 1


def test_one_that_others_wait_for_ends_by_itself_and_they_with_it(
    make_run: MakeRun, now: datetime
) -> None:
    following = sample_jobs.add.si(1, 2).set(task_id="5d1b8c8e-8f6e-4f7c-9d0f-0d1a4a5f6b7c")
    chained = make_run(expires_at=now, options={"chain": [dict(following)]})
    make_run(expires_at=now)

    assert end_expired(now=now + MINUTE) == 2

    results = dict(TaskResult.objects.values_list("task_id", "status"))
    assert results.pop(following.id) == "REVOKED"
    assert results.pop(str(chained.task_id)) == "REVOKED"
    assert list(results.values()) == ["REVOKED"]


def test_one_that_cannot_be_ended_keeps_no_other_from_it(
    make_run: MakeRun, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [make_run(expires_at=now) for _ in range(5)]

    def refuse(run: Run, *args: Any, **fields: Any) -> None:
        if run.pk == runs[2].pk:
            raise TypeError("nothing can follow")
        record(run, *args, **fields)

    monkeypatch.setattr("schedules.finish.waiting.record", refuse)

    assert end_expired(now=now + MINUTE) == 4

    assert list(Run.objects.filter(state="planned")) == [runs[2]]
    assert TaskResult.objects.count() == 4
