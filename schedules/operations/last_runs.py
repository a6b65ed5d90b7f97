"""When jobs last ran, up to this moment: Beat keeps the column, some seconds late."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import DateTimeField, Max, Subquery
from django.db.models.functions import Coalesce

from schedules.models import Job, Run, Watermark
from schedules.operations.stock import NAME
from schedules.querysets.clock import DatabaseNow

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
    since = Coalesce(mark, DatabaseNow() - BEFORE_ANY_BEAT, output_field=DateTimeField())
    started = Run.objects.filter(job__isnull=False, started_at__isnull=False).order_by()
    running = started.running().values("job").annotate(latest=Max("started_at"))
    newest = started.filter(finished_at__gt=since).order_by("-finished_at")[:MOST_READ]
    ended = Run.objects.filter(pk__in=newest.values("pk")).order_by().values("job")
    ended = ended.annotate(latest=Max("started_at"))
    latest: dict[int, datetime] = {}
    for row in running.union(ended, all=True):
        latest[row["job"]] = max(row["latest"], latest.get(row["job"], row["latest"]))
    for job in jobs:
        own = latest.get(job.pk)
        if own is not None and (job.last_run_at is None or job.last_run_at < own):
            job.last_run_at = own
    return jobs
