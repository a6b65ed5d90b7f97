"""Whoever holds rows in an open transaction keeps Beat from those rows, and from nothing else."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any

import pytest
from celery import current_app
from django.db import connection, transaction
from django.db.models import QuerySet
from django_celery_beat.models import PeriodicTask

from schedules.beat import Scheduler
from schedules.dispatch.publisher import Publisher
from schedules.lease import Lease
from schedules.models import Job, Run, Touched, Watermark
from schedules.operations.switch import pause_job
from schedules.querysets.clock import database_now
from schedules.querysets.instances import LEASE
from schedules.states import InstanceKind, RunState
from tests.promises import promise_jobs  # noqa: F401 - declares the tasks
from tests.promises.world import MINUTE, in_the_past, make_instance, make_job
from tests.sql import run_sql

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time"),
]

HOUR = timedelta(hours=1)


@pytest.fixture
def beat() -> Iterator[Scheduler]:
    """A Beat, connected for long, that fails where it waits for seconds."""
    beat = Scheduler(app=current_app, lazy=True)
    beat._publisher = Publisher()  # which never gets anything out
    beat._lease, beat._chores = Lease(InstanceKind.BEAT, "beat"), beat._make_chores()
    beat._tick()
    beat._connected_at = time.monotonic() - 2 * LEASE.total_seconds()
    run_sql("SET statement_timeout = '5s'")
    yield beat
    connection.close()


def tick(beat: Scheduler) -> None:
    """Let a Beat tick in which every chore's time has come."""
    beat._chores._next = [0.0] * len(beat._chores._next)
    beat._tick()


@contextmanager
def held(rows: QuerySet[Any]) -> Iterator[None]:
    """Let somebody else's transaction hold the rows meanwhile, as if it had written to them."""
    holds, release = Event(), Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                assert list(rows.select_for_update(no_key=True))
                holds.set()
                release.wait(60)
        finally:
            holds.set()
            connection.close()

    holder = Thread(target=hold)
    holder.start()
    holds.wait(60)
    try:
        yield
    finally:
        release.set()
        holder.join()


def an_edit() -> tuple[QuerySet[Any], Callable[[], bool]]:
    """A job was edited on the stock page."""
    job = make_job("mine", "promise_jobs.effect", "x", begin=database_now() + HOUR)
    PeriodicTask.objects.filter(pk=job.periodic_task_id).update(enabled=False)
    assert Touched.objects.exists()
    return Job.objects.filter(pk=job.pk), lambda: not Job.objects.get(pk=job.pk).is_enabled


def the_end_of_a_pause() -> tuple[QuerySet[Any], Callable[[], bool]]:
    """A job was paused for a time that is over."""
    job = make_job("mine", "promise_jobs.effect", "x", begin=database_now() + HOUR)
    before = database_now() - HOUR
    pause_job(job, by="ada", source="cli", now=before, until=before + MINUTE)
    return Job.objects.filter(pk=job.pk), lambda: Job.objects.get(pk=job.pk).paused_at is None


def the_count_of_its_runs() -> tuple[QuerySet[Any], Callable[[], bool]]:
    """A job ran, which its periodic task is to show."""
    job = make_job("mine", "promise_jobs.effect", "x", begin=database_now() + HOUR)
    ended_at = database_now() - MINUTE
    _run(job, ended_at, state=RunState.SUCCEEDED, started_at=ended_at, finished_at=ended_at)
    Watermark.objects.update(at=ended_at - MINUTE)
    task = PeriodicTask.objects.filter(pk=job.periodic_task_id)
    return task, lambda: task.get().total_run_count == 1


def a_run_whose_worker_vanished() -> tuple[QuerySet[Any], Callable[[], bool]]:
    """A worker was stopped while it held its own run, as within `run.fenced()`."""
    job = make_job("mine", "promise_jobs.effect", "x", begin=database_now() + HOUR)
    worker, long_ago = make_instance(), database_now() - 2 * LEASE
    run_sql("UPDATE schedules_instance SET heartbeat_at = %s WHERE id = %s", long_ago, worker.id)
    its_worker = {"instance_id": worker.id, "attempt": 1, "started_at": long_ago, "slot": 1}
    run = _run(job, long_ago, state=RunState.RUNNING, **its_worker)
    mine = Run.objects.filter(pk=run.pk)
    return mine, lambda: mine.get().state != RunState.RUNNING


def a_call_that_came_too_late() -> tuple[QuerySet[Any], Callable[[], bool]]:
    """A call with something that follows it may no longer start."""
    due_at = database_now() - HOUR
    job = make_job("mine", "promise_jobs.effect", "x", begin=database_now() + HOUR)
    follows = {"link": [{"task": "promise_jobs.effect", "args": ["y"]}]}
    run = _run(job, due_at, state=RunState.PLANNED, expires_at=due_at + MINUTE, options=follows)
    mine = Run.objects.filter(pk=run.pk)
    return mine, lambda: mine.get().state == RunState.MISSED


def a_broken_job() -> tuple[QuerySet[Any], Callable[[], bool]]:
    """SQL has left nonsense in a job's row."""
    job = make_job("mine", "promise_jobs.effect", "x", begin=database_now() + HOUR)
    run_sql("UPDATE schedules_job SET overlap = 'sometimes' WHERE id = %s", job.pk)
    mine = Job.objects.filter(pk=job.pk)
    return mine, lambda: mine.get().invalid_reason != ""


def a_job_that_can_be_read_again() -> tuple[QuerySet[Any], Callable[[], bool]]:
    """A job that could not be read when it was edited can be now."""
    job = make_job("mine", "promise_jobs.effect", "x", begin=database_now() + HOUR)
    mine = Job.objects.filter(pk=job.pk)
    mine.update(timetable=None, next_run_at=None, next_due_at=None, invalid_reason="no such task")
    return mine, lambda: mine.get().invalid_reason == ""


def a_job_of_one_occurrence() -> tuple[QuerySet[Any], Callable[[], bool]]:
    """A job is due whose periodic task is disabled as it is planned."""
    job = make_job("mine", "promise_jobs.effect", "x", begin=in_the_past(), one_off=True)
    task = PeriodicTask.objects.filter(pk=job.periodic_task_id)
    return task, lambda: Run.objects.filter(job=job).exists() and not task.get().enabled


@pytest.mark.parametrize(
    "put_off",
    [
        an_edit,
        the_end_of_a_pause,
        the_count_of_its_runs,
        a_run_whose_worker_vanished,
        a_call_that_came_too_late,
        a_broken_job,
        a_job_that_can_be_read_again,
        a_job_of_one_occurrence,
    ],
)
def test_what_meets_a_held_row_is_put_off_and_holds_up_nothing(
    beat: Scheduler, put_off: Callable[[], tuple[QuerySet[Any], Callable[[], bool]]]
) -> None:
    another = make_job("another", "promise_jobs.effect", "x", begin=in_the_past(), occurrences=1)
    rows, is_done = put_off()

    with held(rows):
        tick(beat)
        assert Run.objects.filter(job=another).exists()
        assert not is_done()

    tick(beat)
    assert is_done()


def _run(job: Job, at: datetime, **fields: Any) -> Run:
    return Run.objects.create(
        job=job,
        job_key=job.key,
        origin="call",
        task=job.task,
        args=["x"],
        scheduled_at=at,
        due_at=at,
        publish_at=None if fields.get("started_at") else at,
        **fields,
    )
