"""What recovers after a crash, in this process: Beat's tick and a worker, given the time."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from threading import Thread
from typing import Any
from uuid import uuid4

from celery import current_app
from celery.app.trace import build_tracer
from django.apps import apps
from django.db import connection, transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from schedules.broker import Backlog
from schedules.conf import options
from schedules.dispatch import (
    absorb_edits,
    end_expired,
    feed_backfills,
    plan_due,
    publish,
    reap,
    take_outbox,
    write_version,
)
from schedules.lease import Lease
from schedules.models import Attempt, Backfill, Job, Run, Touched
from schedules.querysets.clock import database_now
from schedules.querysets.instances import LEASE
from schedules.states import InstanceKind, RunState
from schedules.timing import Every, Timetable, Window, to_spec

MINUTE = timedelta(minutes=1)
MOST_TICKS = 30

STATUS = {
    RunState.SUCCEEDED: "SUCCESS",
    RunState.FAILED: "FAILURE",
    RunState.LOST: "FAILURE",
    RunState.TIMED_OUT: "FAILURE",
    RunState.MISSED: "REVOKED",
    RunState.SKIPPED: "REVOKED",
    RunState.CANCELLED: "REVOKED",
}
"""Celery's word for each outcome."""

WRITTEN = (
    Attempt,
    Run,
    *(
        apps.get_model("schedules", name)
        for name in ("ScheduleVersion", "OccurrenceChange", "AuditEntry", "Dependency", "Backfill")
    ),
    Job,
    PeriodicTask,
    IntervalSchedule,
    *(apps.get_model("schedules", name) for name in ("Calendar", "GlobalPause", "Instance")),
    *apps.get_app_config("django_celery_results").get_models(),
    Touched,  # last: the deletions before it are noted there
)


def empty() -> None:
    """Delete every row that a trial may have written, and every message."""
    with connection.cursor() as cursor:
        for model in WRITTEN:
            cursor.execute(f'DELETE FROM "{model._meta.db_table}"')  # noqa: S608
    forget_messages()


def forget_messages() -> None:
    """Empty the broker."""
    with _channel() as channel:
        channel.client.flushdb()


def let_triggers_speak() -> None:
    """Let PostgreSQL's triggers note an edit at once, in a test that never commits."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def waiting_messages() -> Backlog:
    """What Beat's publisher asks the broker on a connection of its own."""
    return Backlog({"celery": messages_in_queue()})


def messages_in_queue() -> int:
    """How many messages the broker holds, over all priorities."""
    with _channel() as channel:
        return sum(channel.client.llen(name) for name in channel.client.keys("celery*"))


def at_once(*works: Callable[[], object]) -> None:
    """Do all of it in threads, each of which has a connection of its own."""
    failures: list[BaseException] = []

    def guarded(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised below
            failures.append(error)
        finally:
            connection.close()

    threads = [Thread(target=guarded, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def in_the_past() -> datetime:
    """A full minute two hours ago: what is due then, every clock agrees on."""
    return database_now().replace(second=0, microsecond=0) - timedelta(hours=2)


def make_job(
    key: str,
    task: str,
    *args: Any,
    begin: datetime,
    occurrences: int = 3,
    timetable: Timetable | None = None,
    **fields: Any,
) -> Job:
    """Make a job of `occurrences` minutes, in force since just before `begin`, its first one."""
    minutely, _ = IntervalSchedule.objects.get_or_create(every=1, period="minutes")
    periodic_task = PeriodicTask.objects.create(
        name=key,
        task=task,
        args=json.dumps(args),
        interval=minutely,
        one_off=fields.get("one_off", False),
    )
    # It is as `timetable` says; nobody has edited it.
    Touched.objects.all().delete()
    end = begin + (occurrences - 1) * MINUTE
    timetable = timetable or Window(Every(MINUTE, anchor=begin), starts_at=begin, ends_at=end)
    since = begin - MINUTE
    first = timetable.next_after(since)
    values = {"misfire_grace": None, "coalesce": False, "on_lost": "retry", "args": list(args)}
    job = Job.objects.create(
        key=key,
        task=task,
        periodic_task=periodic_task,
        timetable=to_spec(timetable),
        next_run_at=first,
        next_due_at=first,
        ledger_from=since,
        version=1,
        **{**values, **fields},
    )
    write_version(job, since=since, by="test")
    return job


def make_instance() -> Lease:
    """Make a worker that is alive now, and whose lease nobody will renew."""
    lease = Lease(InstanceKind.WORKER, f"worker-{uuid4().hex[:8]}")
    lease.renew()
    return lease


def beat(now: datetime) -> None:
    """Do what one tick of Beat does, and send what it found before returning."""
    absorb_edits(now=now)
    publish(plan_due(now=now))
    feed_backfills(now=database_now())  # a run that is due only later nobody could claim
    publish(take_outbox(now=now, limit=options().plan_batch, backlog=waiting_messages()))
    end_expired(now=now)
    reap(now=now)


def take_message() -> Any:
    """Take one message from the broker as a worker does; None if there is none."""
    with _channel() as channel:
        return channel.basic_get("celery", no_ack=True)


@contextmanager
def _channel() -> Iterator[Any]:
    pool: Any = current_app.pool
    with pool.acquire(block=True) as opened:
        yield opened.default_channel


def deliver(message: Any) -> Any:
    """Give a message to its task, in this process, through the tracer that workers use."""
    headers = dict(message.headers)
    tracer = _tracer(headers["task"])
    return tracer(headers["id"], [], {}, {**headers, "delivery_info": {}})


def deliver_run(run: Run) -> Any:
    """Give a run's message to its task without a broker."""
    request = {"id": str(run.task_id), "task": run.task, "delivery_info": {}}
    return _tracer(run.task)(str(run.task_id), [], {}, request)


@cache
def _tracer(task: str) -> Any:
    app: Any = current_app
    return build_tracer(task, app.tasks[task], app=app._get_current_object())


def work() -> int:
    """Execute every message that waits in the broker; return how many there were."""
    done = 0
    while (message := take_message()) is not None:
        deliver(message)
        done += 1
    return done


def recover() -> None:
    """Let Beat and a worker go on, from after the dead one's lease, until nothing is left to do."""
    now = database_now() + 2 * LEASE
    for _ in range(MOST_TICKS):
        beat(now)
        work()
        if not _is_open(now):
            return
        now += options().send_again_after
    left = {str(run.task_id): (run.task, run.state) for run in Run.objects.unfinished()}
    raise AssertionError(f"not recovered after {MOST_TICKS} ticks: {left}")


def _is_open(now: datetime) -> bool:
    return (
        Run.objects.unfinished().exists()
        or Job.objects.due(now).exists()
        or Touched.objects.exists()
        or Backfill.objects.filter(ended_at__isnull=True).exists()
    )


@contextmanager
def undone() -> Iterator[None]:
    """Take back all that is written inside, in a transaction of its own: PostgreSQL walks through
    every version of a row that one transaction has made.
    """
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
