"""How runs ended lately and how late they began: the figures behind tiles and charts.

Every question reads a bounded number of rows, or a stretch of time of an index.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db.models import Sum

from schedules.models import Job, Run
from schedules.querysets.buckets import HourOf
from schedules.querysets.runs import RunQuerySet
from schedules.states import FAILURES, FINAL, Origin, RunState

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)

MOST_SAMPLES = 1000
"""Runs from which lateness and duration are worked out: the newest of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """The outcomes of what was due within one hour, in occurrences by state."""

    begins_at: datetime
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """All of them."""
        return self.counts.total()

    def of(self, states: Sequence[str] | frozenset[RunState]) -> int:
        """Those in one of the states."""
        return sum(self.counts[str(state)] for state in states)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """Outcomes of the last 24 hours, and what they are compared with."""

    hours: list[Hour]
    counts: Counter[str]
    success: float | None
    success_a_week_ago: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Half of the values are at most `p50`, 95 of 100 at most `p95`; None without a value."""

    p50: timedelta | None
    p95: timedelta | None
    samples: int


def last_day(*, now: datetime, job: Job | None = None) -> Day:
    """Return the outcomes of the last 24 hours by full hour; the first is cut. Two statements."""
    begin = now - DAY
    counted = _by_hour(begin, now, job)
    first = begin.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hours = [
        Hour(begins_at=first + n * HOUR, counts=counted.get(first + n * HOUR, Counter()))
        for n in range(25)
    ]
    total: Counter[str] = Counter()
    for hour in hours:
        total += hour.counts
    before = _by_state(begin - WEEK, now - WEEK, job)
    return Day(hours=hours, counts=total, success=share(total), success_a_week_ago=share(before))


def share(counts: Counter[str]) -> float | None:
    """Return the share of successes among what was executed or should have been, 0 to 1."""
    good = counts[RunState.SUCCEEDED.value]
    bad = sum(counts[state.value] for state in (*FAILURES, RunState.MISSED))
    return good / (good + bad) if good + bad else None


def lateness(*, now: datetime, job: Job | None = None) -> Spread:
    """Return how long after they were due the newest runs of timetables began."""
    runs = _newest(now, job).filter(origin=Origin.TIMETABLE)
    rows = runs.values_list("due_at", "started_at")[:MOST_SAMPLES]
    return spread([max(timedelta(0), began - due) for due, began in rows if began])


def claim_delays(*, now: datetime) -> list[tuple[str, timedelta]]:
    """Return state and delay between due and begun of the newest runs, the oldest first."""
    rows = _newest(now, None).values_list("state", "due_at", "started_at")[:MOST_SAMPLES]
    delays = [
        (state, max(timedelta(0), began - due)) for state, due, began in rows if began is not None
    ]
    return delays[::-1]


def spread(values: list[timedelta]) -> Spread:
    """Return the middle and the 95th percentile, by nearest rank."""
    ordered = sorted(values)

    def rank(share_below: int) -> timedelta | None:
        return ordered[max(0, -(-len(ordered) * share_below // 100) - 1)] if ordered else None

    return Spread(p50=rank(50), p95=rank(95), samples=len(ordered))


def _newest(now: datetime, job: Job | None) -> RunQuerySet:
    runs = Run.objects.filter(scheduled_at__lte=now)
    runs = runs if job is None else runs.filter(job=job)
    return runs.order_by("-scheduled_at", "-id")


def _by_hour(begin: datetime, end: datetime, job: Job | None) -> dict[datetime, Counter[str]]:
    rows = (
        _ended(begin, end, job)
        .values("state", hour=HourOf("scheduled_at"))
        .annotate(number=Sum("count"))
    )
    hours: dict[datetime, Counter[str]] = {}
    for row in rows:
        hour = datetime.strptime(row["hour"], "%Y-%m-%d %H").replace(tzinfo=UTC)
        hours.setdefault(hour, Counter())[row["state"]] += row["number"]
    return hours


def _by_state(begin: datetime, end: datetime, job: Job | None) -> Counter[str]:
    rows = _ended(begin, end, job).values("state").annotate(number=Sum("count"))
    return Counter({row["state"]: row["number"] for row in rows})


def _ended(begin: datetime, end: datetime, job: Job | None) -> RunQuerySet:
    runs = Run.objects.filter(scheduled_at__gt=begin, scheduled_at__lte=end, state__in=FINAL)
    return (runs if job is None else runs.filter(job=job)).order_by()
