"""When jobs last ran, up to this moment: Beat keeps the column, some seconds late."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, Subquery
from django.db.models.functions import Coalesce, Now

from schedules.models import Job, Run, Watermark
from schedules.operations.stock import NAME
from schedules.querysets.clock import as_instant
from schedules.querysets.runs import RunQuerySet

BEFORE_ANY_BEAT = timedelta(days=1)
"""How far back is looked where no Beat has ever written the column."""

MOST_READ = 2_000
"""Runs that have ended since Beat wrote it, the newest; more of them there are only while no Beat
lives, and an older end may then be missing.
"""


def with_last_runs(jobs: Sequence[Job]) -> Sequence[Job]:
    """Return the jobs with `last_run_at` as it is now: the start of the latest run that has begun.

    One statement, whatever the number of jobs: beside what runs they read what has ended since
    Beat wrote the column, of all jobs, because only that is the head of an index.
    """
    if not jobs:
        return jobs
    mark = Subquery(Watermark.objects.filter(name=NAME).values("at"))
    # The statement's instant, not the clock's: of a reading that may change PostgreSQL asks at each
    # row anew, and so looks through all of them.
    since = Coalesce(mark, Now() - BEFORE_ANY_BEAT, output_field=DateTimeField())
    started = Run.objects.filter(job__isnull=False, started_at__isnull=False).order_by()
    running = started.running()
    ended = started.filter(finished_at__gt=since).order_by("-finished_at")[:MOST_READ]
    latest = _latest_starts(running, ended)
    for job in jobs:
        own = latest.get(job.pk)
        if own is not None and (job.last_run_at is None or job.last_run_at < own):
            job.last_run_at = own
    return jobs


def _latest_starts(*parts: RunQuerySet) -> dict[int, datetime]:
    """Return the latest start of each job among the runs of all parts.

    Written out, because the ORM can group the first rows of an order only by reading the table
    once more for their numbers: among a million runs that took a quarter of a second.
    """
    rows: list[str] = []
    values: list[Any] = []
    for part in parts:
        sql, of_part = part.values("job_id", "started_at").query.sql_with_params()
        rows.append(f"SELECT job_id, started_at FROM ({sql}) AS part")  # noqa: S608 - the ORM's
        values += of_part
    begun = " UNION ALL ".join(rows)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT job_id, MAX(started_at) FROM ({begun}) AS begun GROUP BY job_id",  # noqa: S608
            values,
        )
        starts = [(job_id, as_instant(at)) for job_id, at in cursor.fetchall()]
    return {job_id: at for job_id, at in starts if at is not None}
