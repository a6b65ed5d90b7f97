"""Questions with one answer for CLI, API, admin and pages: which jobs, which runs, where they ran.

Each takes a constant number of statements, however many rows it returns.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery

from schedules.models import Instance, Job, Run
from schedules.states import FINAL, JobType, RunState


class JobRow(NamedTuple):
    """A job, and its latest finished run if it has one."""

    job: Job
    last: Run | None


def find_job(reference: str, *, or_deleted: bool = False) -> Job | None:
    """Return the existing job with this number or key, or None. A number beats a like key.

    With `or_deleted` also one that was deleted: its history stays, and no other gets its key.
    """
    chosen = Job.objects.all() if or_deleted else Job.objects.existing()
    jobs = chosen.select_related("task_function", "calendar")
    found = {job.pk: job for job in jobs.named(reference)}
    if len(found) > 1:
        return found[int(reference)]
    return next(iter(found.values()), None)


def job_keys(*, limit: int = 1000) -> list[str]:
    """Return the keys of existing jobs, for a list to choose from."""
    return list(Job.objects.existing().order_by("key").values_list("key", flat=True)[:limit])


def list_jobs(jobs: QuerySet[Job] | None = None) -> list[JobRow]:
    """Return jobs with their latest finished runs; all existing ones if none are chosen."""
    chosen = Job.objects.existing() if jobs is None else jobs
    listed = list(chosen.annotate(last_finished=last_finished("id")))
    numbers = [job.last_finished for job in listed if job.last_finished is not None]
    runs = Run.objects.in_bulk(numbers)
    return [JobRow(job, runs.get(job.last_finished or 0)) for job in listed]


def page_of_jobs(
    *,
    page: int = 1,
    per_page: int = 20,
    is_enabled: bool | None = None,
    job_type: JobType | None = None,
) -> tuple[list[Job], int]:
    """Return one page of the existing jobs, the oldest first, and how many there are in all."""
    jobs = Job.objects.existing()
    if is_enabled is not None:
        jobs = jobs.filter(is_enabled=is_enabled)
    if job_type is not None:
        jobs = jobs.filter(job_type=job_type)
    is_every_job = is_enabled is None and job_type is None
    total = Job.objects.count_existing() if is_every_job else jobs.count()
    start = (page - 1) * per_page
    if start >= total:
        return [], total
    chosen = jobs.select_related("task_function", "calendar").order_by("id")
    return list(chosen[start : start + per_page]), total


def last_finished(field: str, *, of: str = "pk") -> Subquery:
    """Return an expression over jobs: `field` of the latest finished run, None without one.

    Over other rows `of` is the path to the job's number.
    """
    ended = Run.objects.filter(job=OuterRef(of), state__in=FINAL)
    return Subquery(ended.order_by("-scheduled_at", "-id").values(field)[:1])


def recent_runs(
    *,
    limit: int,
    job: Job | None = None,
    states: Iterable[RunState] | None = None,
    until: datetime | None = None,
) -> list[Run]:
    """Return the latest runs by nominal time, newest first.

    With `until` none whose time comes later: calls parked years ahead would hide what happened.
    """
    runs = Run.objects.select_related("job").order_by("-scheduled_at", "-id")
    if job is not None:
        runs = runs.filter(job=job)
    if states is not None:
        runs = runs.filter(state__in=list(states))
    if until is not None:
        runs = runs.filter(scheduled_at__lte=until)
    return list(runs[:limit])


def parked_runs(*, limit: int) -> list[Run]:
    """Return one-off calls that wait in the database, the next one first."""
    return list(Run.objects.parked().order_by("due_at", "id")[:limit])


def count_up_to(rows: QuerySet[Run], *, limit: int) -> int:
    """Return how many rows there are, and `limit` where there are more: counting ends there."""
    return rows.order_by()[:limit].count()


def hosts_of(runs: Sequence[Run]) -> dict[UUID, str]:
    """Return the host of each instance that appears in the runs; one statement for all of them."""
    seen = {run.instance_id for run in runs if run.instance_id is not None}
    if not seen:
        return {}
    return dict(Instance.objects.filter(pk__in=seen).values_list("pk", "host"))


def instance_names_of(runs: Sequence[Run]) -> dict[UUID, str]:
    """Return the name of each instance that appears in the runs; one statement for all of them."""
    seen = {run.instance_id for run in runs if run.instance_id is not None}
    return dict(Instance.objects.filter(pk__in=seen).values_list("pk", "name")) if seen else {}
