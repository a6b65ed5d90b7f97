"""What can be foreseen of occurrences that are to come: overlaps, and the minute with the most."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from schedules.models import Job
from schedules.operations.job_history import last_runs
from schedules.operations.outcomes import spread
from schedules.operations.upcoming import occurrences_of

DAY = timedelta(days=1)
MOST_JOBS = 1000
MOST_OCCURRENCES = 20_000
"""Of all other jobs in the next 24 hours; of more, the first that are found."""

Occurrences = Callable[[datetime, datetime], Iterable[datetime]]
"""The occurrences after the first and up to the second instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlaps:
    """Occurrences of thirty days that come while as many as may run at once still run, if each
    takes as long as 95 of the last 100 runs at most.
    """

    p95: timedelta
    number: int
    first: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rush:
    """The minute of the next 24 hours at which the most is due, and how much; at least so much
    where `is_cut`.
    """

    at: datetime | None
    number: int
    is_cut: bool


def overlaps_of(
    job: Job, occurrences: Sequence[datetime], *, instances: int, now: datetime
) -> Overlaps | None:
    """Return the overlaps of the occurrences with each other; None while the job has not run."""
    p95 = usual_length(job, now=now)
    if p95 is None:
        return None
    pairs = zip(occurrences, occurrences[instances:], strict=False)
    late = [later for sooner, later in pairs if later - sooner < p95]
    return Overlaps(p95=p95, number=len(late), first=late[0] if late else None)


def usual_length(job: Job, *, now: datetime) -> timedelta | None:
    """Return how long 95 of 100 of the job's last runs took at most; None before the first."""
    runs = last_runs(job, now=now)
    took = [run.finished_at - run.started_at for run in runs if run.started_at and run.finished_at]
    return spread(took).p95


def busiest_minutes(
    *, but: Job | None, before: Occurrences, after: Occurrences, now: datetime
) -> tuple[Rush, Rush]:
    """Return the busiest minute with the occurrences of `before` of the job `but`, and with those
    of `after` instead.
    """
    jobs = Job.objects.enabled().filter(next_run_at__lte=now + DAY, paused_at__isnull=True)
    others = jobs.exclude(pk=but.pk) if but is not None else jobs
    chosen = list(others.order_by("next_run_at")[: MOST_JOBS + 1])
    coming = (at for job in chosen[:MOST_JOBS] for at in _of_a_day(job, now))
    found = list(islice(coming, MOST_OCCURRENCES + 1))
    is_cut = len(chosen) > MOST_JOBS or len(found) > MOST_OCCURRENCES
    counts = Counter(map(_minute, found))
    return _rush(counts, before, now, is_cut), _rush(counts, after, now, is_cut)


def _of_a_day(job: Job, now: datetime) -> Iterable[datetime]:
    for at in occurrences_of(job, now=now):
        if at > now + DAY:
            return
        yield at


def _rush(others: Counter[datetime], own: Occurrences, now: datetime, is_cut: bool) -> Rush:
    mine = list(islice(own(now, now + DAY), MOST_OCCURRENCES))
    counts = others + Counter(map(_minute, mine))
    if not counts:
        return Rush(at=None, number=0, is_cut=is_cut)
    number = max(counts.values())
    at = min(minute for minute, count in counts.items() if count == number)
    return Rush(at=at, number=number, is_cut=is_cut)


def _minute(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)
