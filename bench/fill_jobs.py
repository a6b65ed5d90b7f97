"""Jobs by the million: one is made as on django-celery-beat's page, the database copies it.

A copy has everything that the engine gave to the first one, its periodic task and its version, so
that a Beat finds nothing to do with it before it is due.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models, transaction
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from bench.daily import crontab
from schedules.adapters import triggers
from schedules.dispatch import absorb_edits, renew_all
from schedules.models import Job, ScheduleVersion, Touched
from schedules.querysets.clock import database_now
from schedules.timing import Every, to_spec

_NUMBERS = {
    "sqlite": (
        "(WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers"
        " WHERE n < {count}) SELECT n FROM numbers) AS numbers"
    ),
    "postgresql": "generate_series(1, {count}) AS numbers(n)",
}


def fill_jobs(count: int, *, name: str = "filled", task: str = "ours.noop") -> list[int]:
    """Write `count` enabled daily jobs (`bench.daily`); return their first and last number.

    Each may be as late as it likes. The statistics of the tables are brought up to date.
    """
    first = _first(name, task)
    if count > 1:
        _multiply(first, count - 1)
    renew_all(now=database_now())  # looks at every job, once for a release of the zone data
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return [first.pk, first.pk + count - 1]


def let_be_due(numbers: list[int], *, at: datetime, count: int) -> None:
    """Let the first `count` of the jobs be due at an instant. It is no occurrence of theirs, which
    nobody asks: what follows is computed from it.
    """
    due = Job.objects.filter(pk__gte=numbers[0], pk__lt=numbers[0] + count)
    due.update(next_run_at=at, next_due_at=at)


def spread_over_a_second(numbers: list[int], *, groups: int = 10) -> datetime:
    """Let the jobs run each second from the next one on, in groups; return when that begins."""
    begin = database_now().replace(microsecond=0) + timedelta(seconds=2)
    share = (numbers[1] - numbers[0] + 1) // groups
    for group in range(groups):
        at = begin + timedelta(seconds=group / groups)
        first = numbers[0] + group * share
        jobs = Job.objects.filter(pk__gte=first, pk__lt=first + share)
        every = to_spec(Every(timedelta(seconds=1), anchor=at))
        jobs.update(timetable=every, next_run_at=at, next_due_at=at)
    return begin


def _first(name: str, task: str) -> Job:
    """Make one job by the way that a person's edit takes."""
    daily, _ = CrontabSchedule.objects.get_or_create(**crontab(database_now()))
    periodic = PeriodicTask.objects.create(name=f"{name}-0", task=task, crontab=daily)
    while absorb_edits(now=database_now()):
        pass
    job = Job.objects.get(periodic_task=periodic)
    assert not job.invalid_reason, job.invalid_reason
    Job.objects.filter(pk=job.pk).update(misfire_grace=None)
    # Its number must have room for the copies: nothing else is made meanwhile.
    return job


def _multiply(first: Job, count: int) -> None:
    assert first.periodic_task_id is not None
    task = PeriodicTask._meta.db_table
    triggers.drop()
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # The checks of a million foreign keys would queue up until the commit.
            cursor.execute("SET LOCAL session_replication_role = replica")
        numbered = {"id": f"{first.periodic_task_id} + n", "name": f"'{first.key}-' || n"}
        _copy(cursor, PeriodicTask, first.periodic_task_id, count, numbered)
        numbered = {
            "id": f"{first.pk} + n",
            "key": f"'{first.key}-' || n",
            "periodic_task_id": f"{first.periodic_task_id} + n",
        }
        _copy(cursor, Job, first.pk, count, numbered)
        version = ScheduleVersion.objects.get(job=first)
        numbered = {"id": f"{version.pk} + n", "job_id": f"{first.pk} + n"}
        _copy(cursor, ScheduleVersion, version.pk, count, numbered)
        if connection.vendor == "postgresql":
            for table in (task, Job._meta.db_table, ScheduleVersion._meta.db_table):
                cursor.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id))"  # noqa: S608
                    f" FROM {table}"
                )
    triggers.create()
    Touched.objects.all().delete()


def _copy(
    cursor: Any, model: type[models.Model], pk: int, count: int, numbered: Mapping[str, str]
) -> None:
    """Copy one row `count` times, with other values where `numbered` says so."""
    columns = [str(field.column) for field in model._meta.concrete_fields]
    table = model._meta.db_table
    quoted = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(numbered.get(column, f'one."{column}"') for column in columns)
    numbers = _NUMBERS[connection.vendor].format(count=count)
    cursor.execute(
        f"INSERT INTO {table} ({quoted}) SELECT {values}"  # noqa: S608 - names of ours
        f" FROM (SELECT * FROM {table} WHERE id = {int(pk)}) AS one CROSS JOIN {numbers}"
    )
