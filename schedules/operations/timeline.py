"""Jobs against time: what each ran within a stretch of it, and what is to come there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice, takewhile

from django.db.models import Q

from schedules.halts import Halt, global_pauses, halts_of
from schedules.models import Job, OccurrenceChange
from schedules.operations.upcoming import changes_of, occurrences_of
from schedules.querysets.newest import Stretch, stretches_of_jobs

MOST_BARS = 150
"""Runs of one job that are drawn, the newest; how far they reach back is said."""

MOST_AHEAD = 150
REACHES_IN = timedelta(days=1)
"""How much earlier a run may have been due that is still at work within the stretch."""

PER_PAGE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One job within the stretch of time."""

    job: Job
    runs: Sequence[Stretch]
    """The oldest first."""
    ahead: Sequence[datetime]
    """When what is to come starts: its nominal time, or where a person has moved it."""
    skipped: Sequence[datetime]
    """What is to come and will not run, because a person has skipped it."""
    paused: Sequence[datetime]
    """What is to come and falls into a pause."""
    drawn_from: datetime
    """Earlier runs than this there are, and they are not here; else the begin of the stretch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Some jobs within a stretch of time."""

    since: datetime
    until: datetime
    lines: Sequence[Line]
    page: int
    has_next: bool


def timeline(
    *, since: datetime, until: datetime, now: datetime, text: str = "", page: int = 1
) -> Timeline:
    """Return a page of the existing jobs by key, with their runs and occurrences. Three statements,
    and one where changes of single occurrences wait.

    `text` is part of a key or an English name.
    """
    jobs = Job.objects.existing().select_related("task_function").order_by("key")
    if text:
        jobs = jobs.filter(Q(key__icontains=text) | Q(name_en__icontains=text))
    start = (page - 1) * PER_PAGE
    chosen = list(jobs[start : start + PER_PAGE + 1])
    shown = chosen[:PER_PAGE]
    runs = stretches_of_jobs(
        [job.pk for job in shown],
        origin=since,
        since=since - REACHES_IN,
        until=min(until, now),
        number=MOST_BARS,
    )
    changes = changes_of(shown, now=now)
    everything = global_pauses(reaching=now)
    return Timeline(
        since=since,
        until=until,
        lines=[
            _line(
                job,
                runs[job.pk],
                since,
                until,
                now,
                changes.get(job.pk, {}),
                halts_of(job, everything),
            )
            for job in shown
        ],
        page=page,
        has_next=len(chosen) > PER_PAGE,
    )


def _line(
    job: Job,
    runs: Sequence[Stretch],
    since: datetime,
    until: datetime,
    now: datetime,
    changes: Mapping[datetime, OccurrenceChange],
    halts: Sequence[Halt],
) -> Line:
    ahead, skipped, paused = list[datetime](), list[datetime](), list[datetime]()
    if job.is_enabled and until > now:
        by_timetable = takewhile(lambda at: at <= until, occurrences_of(job, now=now))
        elsewhere = {at for at, change in changes.items() if change.moved_to is not None}
        moved = sorted(change.moved_to for change in changes.values() if change.moved_to)
        own = (at for at in by_timetable if at >= since and at not in elsewhere)
        for at in chain((at for at in moved if since <= at <= until), islice(own, MOST_AHEAD)):
            if at in changes and changes[at].is_skipped:
                skipped.append(at)
            elif any(halt.covers(at) for halt in halts):
                paused.append(at)
            else:
                ahead.append(at)
    oldest = since + timedelta(seconds=runs[0].scheduled) if len(runs) == MOST_BARS else since
    within = [run for run in runs if run.scheduled >= 0 or _reaches_in(run)]
    return Line(
        job=job,
        runs=within,
        ahead=sorted(ahead),
        skipped=skipped,
        paused=sorted(paused),
        drawn_from=max(oldest, since),
    )


def _reaches_in(run: Stretch) -> bool:
    """Whether a run that was due before the stretch was still at work within it."""
    if run.started is None:
        return run.until is not None and run.until >= 0
    return run.finished is None or run.finished >= 0
