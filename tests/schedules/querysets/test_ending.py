"""The end of a run: how few statements it takes, and when it takes more."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_celery_results.models import TaskResult

from schedules.models import Attempt, Dependency, Job, Run
from schedules.querysets.ending import succeed
from schedules.states import Origin, RunState
from schedules.testing import execute_run

pytestmark = pytest.mark.django_db(transaction=True)

MakeJob = Callable[..., Job]
MakeRun = Callable[..., Run]


@pytest.fixture
def running(make_job: MakeJob, make_run: MakeRun) -> Run:
    """A run of a job that a worker has taken."""
    job = make_job()
    run = make_run(job=job, job_key=job.key, origin=Origin.OPERATOR)
    taken = Run.objects.claim(run.task_id, task=run.task, instance_id=uuid4(), pid=1)
    assert taken is not None
    return taken


def end(run: Run, **other: Any) -> bool:
    result = dict.fromkeys(
        ("periodic_task_name", "task_args", "task_kwargs", "worker", "traceback", "meta")
    )
    values: dict[str, Any] = {
        "run_id": run.pk,
        "job_id": run.job_id,
        "attempt": run.attempt,
        "summary": "41",
        "result": {
            **result,
            "task_id": str(run.task_id),
            "task_name": run.task,
            "status": "SUCCESS",
            "content_type": "application/json",
            "content_encoding": "utf-8",
            "result": "41",
        },
    }
    return succeed(connection, **{**values, **other})


def test_a_job_without_followers_takes_two_statements_and_two_commits(
    make_job: MakeJob, make_run: MakeRun
) -> None:
    job = make_job()
    first, run = (
        make_run(job=job, job_key=job.key, args=[1], origin=Origin.OPERATOR) for _ in range(2)
    )
    execute_run(first)  # which also reads what a process keeps

    with CaptureQueriesContext(connection) as captured:
        execute_run(run)

    sent = [query["sql"].split()[0] for query in captured]
    read_back = 1  # by the test's own `execute_run`
    claim = ["UPDATE"]
    on_sqlite = ["BEGIN", "UPDATE", "INSERT", "INSERT", "COMMIT"]
    ending = on_sqlite if connection.vendor == "sqlite" else ["WITH"]
    assert sent[:-read_back] == claim + ending
    assert run.state == RunState.SUCCEEDED


def test_success_attempt_and_result_are_written_together(running: Run) -> None:
    assert end(running)

    running.refresh_from_db()
    attempt = Attempt.objects.get(run=running)
    assert (running.state, running.summary) == (RunState.SUCCEEDED, "41")
    assert (attempt.outcome, attempt.instance_id) == (RunState.SUCCEEDED, running.instance_id)
    assert TaskResult.objects.get(task_id=running.task_id).status == "SUCCESS"


@pytest.mark.parametrize("lost", [{"attempt": 2}, {"run_id": 0}])
def test_whoever_does_not_own_the_run_writes_nothing(running: Run, lost: dict[str, int]) -> None:
    assert not end(running, **lost)

    running.refresh_from_db()
    assert running.state == RunState.RUNNING
    assert not Attempt.objects.exists()
    assert not TaskResult.objects.exists()


def test_a_run_that_others_follow_is_not_ended_at_once(
    running: Run, make_job: MakeJob, now: datetime
) -> None:
    assert running.job is not None
    Dependency.objects.create(upstream=running.job, job=make_job("after"), since=now)

    assert not end(running)

    assert not TaskResult.objects.exists()


def test_the_longest_waiting_run_of_the_job_is_sent(running: Run, make_run: MakeRun) -> None:
    held_until = running.due_at + timedelta(days=36500)
    held = [
        make_run(
            job=running.job,
            origin=Origin.OPERATOR,
            scheduled_at=running.scheduled_at + timedelta(minutes=minutes),
            publish_at=held_until,
        )
        for minutes in (2, 1)
    ]

    end(running)

    is_sent = []
    for run in held:
        run.refresh_from_db()
        assert run.publish_at is not None
        is_sent.append(run.publish_at < held_until)
    assert is_sent == [False, True]


def test_the_end_of_a_call_does_not_look_for_who_waits(make_run: MakeRun) -> None:
    first, run = make_run("sample_jobs.add", 1), make_run("sample_jobs.add", 1)
    execute_run(first)

    with CaptureQueriesContext(connection) as captured:
        execute_run(run)

    assert not [query for query in captured if "publish_at > " in query["sql"]]
