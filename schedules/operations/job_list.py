"""The table of jobs: which jobs, in which order, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet
from django.db.models.expressions import OrderBy

from schedules.models import Job
from schedules.operations.attention import failing_jobs
from schedules.operations.conditions import LATE_AFTER, Condition
from schedules.operations.day_totals import Success, success_of
from schedules.operations.listing import JobRow, list_jobs
from schedules.querysets.newest import Glimpse, newest_of_jobs
from schedules.states import Owner

PER_PAGE = 50
RUNS_DRAWN = 60
SUCCESS_OVER = timedelta(days=30)

SORTS: dict[str, tuple[str | OrderBy, ...]] = {
    "name": ("key",),
    "next": (F("next_run_at").asc(nulls_last=True), "key"),
    "last": (F("last_run_at").asc(nulls_first=True), "key"),
    "priority": ("priority", "key"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedJobs:
    """What is looked for; all of it must be so."""

    text: str = ""
    condition: Condition | None = None
    owner: str = ""
    """`declared`, `operator`, or `drifted`: declared, and changed by an operator."""
    sort: str = "name"
    """A key of SORTS, with `-` in front for the other way round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """A job with what its line in the table shows."""

    row: JobRow
    runs: Sequence[Glimpse]
    success: Success | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """One page of jobs, and how many there are in all."""

    lines: list[JobLine]
    total: int
    number: int
    pages: int

    @property
    def previous(self) -> int:
        """The number of the page before."""
        return self.number - 1

    @property
    def following(self) -> int:
        """The number of the page after."""
        return self.number + 1


def page_of_job_lines(wanted: WantedJobs, *, page: int, now: datetime) -> JobPage:
    """Return a page of the jobs that fit; a number beyond the last page gives the last one.

    Seven statements at most, whatever the number of jobs and runs.
    """
    jobs = _filtered(wanted, now)
    is_every_job = not (wanted.text or wanted.owner or wanted.condition)
    total = Job.objects.count_existing() if is_every_job else jobs.count()
    pages = max(1, -(-total // PER_PAGE))
    number = min(max(page, 1), pages)
    start = (number - 1) * PER_PAGE
    ordered = jobs.select_related("task_function").order_by(*_order(wanted.sort))
    rows = list_jobs(ordered[start : start + PER_PAGE])
    ids = [row.job.pk for row in rows]
    runs = newest_of_jobs(ids, until=now, number=RUNS_DRAWN)
    success = success_of(ids, since=(now - SUCCESS_OVER).date())
    lines = [
        JobLine(row=row, runs=runs.get(row.job.pk, []), success=success.get(row.job.pk))
        for row in rows
    ]
    return JobPage(lines=lines, total=total, number=number, pages=pages)


def _filtered(wanted: WantedJobs, now: datetime) -> QuerySet[Job]:
    jobs = Job.objects.existing()
    if wanted.text:
        text = wanted.text
        jobs = jobs.filter(
            Q(key__icontains=text)
            | Q(name_en__icontains=text)
            | Q(name_ar__icontains=text)
            | Q(name_id__icontains=text)
            | Q(task__icontains=text)
        )
    if wanted.owner == "drifted":
        jobs = jobs.filter(owner=Owner.DECLARED).exclude(overridden=[])
    elif wanted.owner:
        jobs = jobs.filter(owner=wanted.owner)
    return jobs if wanted.condition is None else _standing(jobs, wanted.condition, now)


def _standing(jobs: QuerySet[Job], wanted: Condition, now: datetime) -> QuerySet[Job]:
    """Keep the jobs that `condition` would call so: the gravest word is the one that counts."""
    invalid = ~Q(invalid_reason="")
    if wanted is Condition.INVALID:
        return jobs.filter(invalid)
    jobs = jobs.exclude(invalid)
    if wanted is Condition.DISABLED:
        return jobs.filter(is_enabled=False)
    jobs = jobs.filter(is_enabled=True)
    paused = Q(paused_at__isnull=False) & (Q(paused_until__isnull=True) | Q(paused_until__gt=now))
    if wanted is Condition.PAUSED:
        return jobs.filter(paused)
    jobs = jobs.exclude(paused)
    late = Q(next_due_at__isnull=False, next_due_at__lt=now - LATE_AFTER)
    if wanted is Condition.LATE:
        return jobs.filter(late)
    jobs = jobs.exclude(late)
    failing = Q(pk__in=[row.job.pk for row in failing_jobs(now=now)])
    if wanted is Condition.FAILING:
        return jobs.filter(failing)
    jobs = jobs.exclude(failing)
    ended = Q(next_run_at__isnull=True)
    return jobs.filter(ended) if wanted is Condition.ENDED else jobs.exclude(ended)


def _order(sort: str) -> list[str | OrderBy]:
    is_reversed = sort.startswith("-")
    chosen = SORTS.get(sort.removeprefix("-"), SORTS["name"])
    return [_reverse(part) if is_reversed else part for part in chosen]


def _reverse(part: str | OrderBy) -> str | OrderBy:
    if isinstance(part, str):
        return f"-{part}"
    backwards = part.copy()
    backwards.reverse_ordering()
    return backwards
