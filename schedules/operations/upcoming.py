"""What is to come: the next occurrences of a job, and of all jobs together."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice
from zoneinfo import ZoneInfo

from django.db.models import Q

from schedules import timing
from schedules.dispatch.changes import waiting_for_later
from schedules.halts import global_pauses, halts_of
from schedules.models import Job, OccurrenceChange
from schedules.states import ChangeState
from schedules.timing import ClockMark, Timetable, from_spec

MOST_JOBS = 200
MOST_OCCURRENCES = 2000
"""Enough for thirty jobs that run every minute; more is said to be more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """An occurrence that is still to come."""

    at: datetime
    """When it starts: its nominal time, or where a person has moved it."""
    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """The occurrences of all jobs within a period, in order. Not complete where `is_cut`."""

    coming: list[Coming]
    is_cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """One of a job's next occurrences."""

    at: datetime
    is_clock_change: bool
    """Whether the clock of the job's zone is changed within twelve hours of it."""
    is_paused: bool
    """Whether a pause, the job's or that of everything, still lasts then: it will be skipped."""
    mark: ClockMark | None
    change: OccurrenceChange | None
    """What a person has said about it."""


def coming(*, now: datetime, until: datetime) -> Ahead:
    """Return what all enabled jobs are to run until then, without paused ones and without skipped
    occurrences. Two statements.
    """
    jobs = list(
        Job.objects.enabled()
        .select_related("task_function")
        .filter(
            Q(next_run_at__lte=until) | Q(next_due_at__lte=until) | Q(has_changes=True),
            paused_at__isnull=True,
        )
        .order_by("next_run_at")[: MOST_JOBS + 1]
    )
    changed = _moved_or_skipped(jobs, now)
    heap: list[tuple[datetime, int, Job, Iterator[datetime]]] = []
    for job in jobs[:MOST_JOBS]:
        instants = occurrences_of(job, now=now)
        if (first := next(instants, None)) is not None:
            heapq.heappush(heap, (first, job.pk, job, instants))
    found: list[Coming] = []
    while heap and heap[0][0] <= until and len(found) < MOST_OCCURRENCES:
        at, number, job, instants = heapq.heappop(heap)
        if (job.pk, at) not in changed:
            found.append(Coming(at=at, job=job))
        if (following := next(instants, None)) is not None:
            heapq.heappush(heap, (following, number, job, instants))
    found += [Coming(at=to, job=job) for to, job in changed.values() if to and now < to <= until]
    found.sort(key=lambda each: each.at)
    is_cut = len(jobs) > MOST_JOBS or (bool(heap) and heap[0][0] <= until)
    return Ahead(coming=found, is_cut=is_cut)


def _moved_or_skipped(
    jobs: Sequence[Job], now: datetime
) -> dict[tuple[int, datetime], tuple[datetime | None, Job]]:
    """Return where occurrences of the jobs were moved to, None for skipped ones."""
    by_number = {job.pk: job for job in jobs if job.has_changes}
    waiting = Q(pk__in=waiting_for_later(now=now).values("pk"))
    rows = OccurrenceChange.objects.filter(Q(state=ChangeState.OPEN) | waiting, job__in=by_number)
    return {
        (row.job_id, row.scheduled_at): (row.moved_to, by_number[row.job_id])
        for row in rows
        if row.is_skipped or row.moved_to is not None
    }


def next_of(job: Job, *, now: datetime, count: int) -> list[Next]:
    """Return the job's next occurrences, before them those that have had their nominal time and
    were moved to one still to come; fewer when its timetable ends before.
    """
    timetable = timetable_of(job)
    zone = zone_of(job)
    found: list[Next] = []
    if timetable is None or not job.is_enabled:
        return found
    changes, is_paused = changes_ahead(job, now=now), paused_then(job)
    waiting = [(at, None) for at in sorted(changes) if at <= now]
    instants = islice(occurrences_of(job, now=now), max(count - len(waiting), 0))
    marked = timing.marked(timetable, instants, after=now)
    for at, mark in islice(chain(waiting, marked), count):
        change = changes.get(at)
        found.append(
            Next(
                at=at,
                is_clock_change=clock_changes(zone, at),
                is_paused=is_paused(at, change),
                mark=mark,
                change=change,
            )
        )
    return found


def paused_then(job: Job) -> Callable[[datetime, OccurrenceChange | None], bool]:
    """Return what says of an occurrence, with what was said about it, whether a pause lasts until
    it starts: the job's own, or that of everything.
    """
    halts = halts_of(job, global_pauses())

    def is_paused(at: datetime, change: OccurrenceChange | None) -> bool:
        starts_at = at if change is None or change.moved_to is None else change.moved_to
        return any(halt.covers(starts_at) for halt in halts)

    return is_paused


def changes_ahead(job: Job, *, now: datetime) -> dict[datetime, OccurrenceChange]:
    """Return what was said about occurrences that are still to come or wait for a later time, by
    their nominal times; without a statement where nothing was.
    """
    return changes_of([job], now=now).get(job.pk, {})


def changes_of(
    jobs: Sequence[Job], *, now: datetime
) -> dict[int, dict[datetime, OccurrenceChange]]:
    """As `changes_ahead`, of several jobs by their numbers. At most one statement."""
    changed = [job.pk for job in jobs if job.has_changes]
    found: dict[int, dict[datetime, OccurrenceChange]] = {}
    if not changed:
        return found
    waiting = Q(pk__in=waiting_for_later(now=now).values("pk"))
    to_come = Q(scheduled_at__gt=now) | Q(moved_to__gt=now)
    rows = OccurrenceChange.objects.filter(
        Q(state=ChangeState.OPEN) & to_come | waiting, job__in=changed
    )
    for row in rows:
        found.setdefault(row.job_id, {})[row.scheduled_at] = row
    return found


def occurrences_of(job: Job, *, now: datetime) -> Iterator[datetime]:
    """Yield the job's occurrences from its next one on, for as long as its timetable goes."""
    timetable = timetable_of(job)
    instant = job.next_run_at
    while timetable is not None and instant is not None:
        if instant > now:
            yield instant
        if job.one_off:
            return
        instant = timetable.next_after(max(instant, now - timedelta(seconds=1)))


def timetable_of(job: Job) -> Timetable | None:
    """Return the job's timetable in force; None without one, or where its row is damaged."""
    try:
        return from_spec(job.timetable) if job.timetable else None
    except (ValueError, KeyError, TypeError):
        return None


def zone_of(job: Job) -> str:
    """Return the name of the zone in which the job's timetable is written; UTC for most kinds."""
    timetable = timetable_of(job)
    return "UTC" if timetable is None else timing.zone_of(timetable)


def clock_changes(zone: str, at: datetime) -> bool:
    """Return whether the clock of the zone is changed within twelve hours of the instant."""
    if zone == "UTC":
        return False
    there, half_a_day = ZoneInfo(zone), timedelta(hours=12)
    return (at - half_a_day).astimezone(there).utcoffset() != (at + half_a_day).astimezone(
        there
    ).utcoffset()
