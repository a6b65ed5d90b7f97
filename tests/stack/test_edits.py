"""An edit of a periodic task takes effect within about a second, whoever makes it and however."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from project.devstack.waiting import wait_until
from schedules.models import Job
from schedules.timing import Every, from_spec
from tests.stack.system import System

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("running")]

LIMIT = timedelta(seconds=2)
MakeTask = Callable[..., PeriodicTask]


@pytest.fixture
def every_second(running: System) -> IntervalSchedule:
    schedule, _ = IntervalSchedule.objects.get_or_create(every=1, period="seconds")
    return schedule


@pytest.fixture
def every_hour(running: System) -> IntervalSchedule:
    schedule, _ = IntervalSchedule.objects.get_or_create(every=1, period="hours")
    return schedule


@pytest.fixture
def make_task(running: System) -> Iterator[MakeTask]:
    """Make a periodic task that appends to a file of its name, and wait until it is in force."""
    made: list[str] = []

    def make(name: str, interval: IntervalSchedule) -> PeriodicTask:
        made.append(name)
        task = PeriodicTask.objects.create(
            name=name, task="stack_jobs.witness", interval=interval, args=f'["{name}", "x"]'
        )
        wait_until(lambda: in_force(name) is not None, what=f"the job {name}")
        return task

    yield make
    PeriodicTask.objects.filter(name__in=made).delete()


@pytest.fixture
def admin(running: System) -> Client:
    client = Client()
    account, _ = User.objects.get_or_create(username="root", is_staff=True, is_superuser=True)
    client.force_login(account)
    return client


def in_force(name: str) -> Job | None:
    return Job.objects.enabled().filter(key=name, next_run_at__isnull=False).first()


def pace(name: str) -> timedelta | None:
    """The time between the occurrences that Beat goes by."""
    job = in_force(name)
    if job is None or job.timetable is None:
        return None
    timetable = from_spec(job.timetable)
    assert isinstance(timetable, Every)
    return timetable.interval


def takes_effect(fact: Callable[[], bool]) -> None:
    """Assert that the fact comes about within the limit, counted from now."""
    edited = time.monotonic()
    wait_until(fact, what="the edit's effect")
    assert time.monotonic() - edited < LIMIT.total_seconds()


@pytest.mark.smoke
def test_the_stock_form(running: System, admin: Client, every_second: IntervalSchedule) -> None:
    page = reverse("admin:django_celery_beat_periodictask_add")
    form = {
        "name": "by form",
        "regtask": "",
        "task": "stack_jobs.witness",
        "enabled": "on",
        "interval": every_second.pk,
        "args": '["by form", "x"]',
        "kwargs": "{}",
        "headers": "{}",
    }

    assert admin.post(page, form).status_code == 302

    takes_effect(lambda: in_force("by form") is not None)
    wait_until(lambda: len(running.lines("by form")) >= 2, what="two occurrences")
    PeriodicTask.objects.filter(name="by form").delete()


def test_an_admin_action(make_task: MakeTask, admin: Client, every_hour: IntervalSchedule) -> None:
    task = make_task("by action", every_hour)
    page = reverse("admin:django_celery_beat_periodictask_changelist")

    admin.post(page, {"action": "disable_tasks", "_selected_action": [task.pk]})

    takes_effect(lambda: in_force("by action") is None)
    assert not Job.objects.get(key="by action").is_enabled


def test_an_update_of_the_queryset(
    running: System,
    make_task: MakeTask,
    every_hour: IntervalSchedule,
    every_second: IntervalSchedule,
) -> None:
    task = make_task("by update", every_hour)

    PeriodicTask.objects.filter(pk=task.pk).update(interval=every_second)

    takes_effect(lambda: pace("by update") == timedelta(seconds=1))
    wait_until(lambda: len(running.lines("by update")) >= 2, what="two occurrences")


@pytest.mark.smoke
def test_raw_sql(make_task: MakeTask) -> None:
    own, _ = IntervalSchedule.objects.get_or_create(every=2, period="hours")
    make_task("by sql", own)

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE django_celery_beat_intervalschedule SET every = 3 WHERE id = %s", [own.pk]
        )

    takes_effect(lambda: pace("by sql") == timedelta(hours=3))


@pytest.mark.smoke
def test_another_client(
    running: System, make_task: MakeTask, every_second: IntervalSchedule
) -> None:
    task = make_task("by another", every_second)
    statement = f"DELETE FROM django_celery_beat_periodictask WHERE id = {task.pk}"  # noqa: S608

    if running.database_url.startswith("postgres"):
        with psycopg.connect(running.database_url) as other:
            other.execute(statement)
    else:
        path = str(connection.settings_dict["NAME"])
        with closing(sqlite3.connect(path, timeout=20)) as one, one:
            one.execute(statement)

    takes_effect(lambda: in_force("by another") is None)
    job = Job.objects.get(key="by another")
    assert (job.is_active, job.periodic_task_id, job.next_due_at) == (False, None, None)
