"""Adding up what ended, by job and day, as it ends; and reading the sums."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import F, Min, Sum

from schedules.models import DayTotal, Run
from schedules.operations.watermarks import SETTLED, is_up_to_date, take_watermark
from schedules.querysets.buckets import DayOf
from schedules.states import RunState

NAME = "day_totals"

LONGEST_PASS = timedelta(days=1)
"""History that was there before the first pass is added up a day at a time."""


class Success(NamedTuple):
    """How often a job's runs succeeded, of those that were to be executed."""

    good: int
    bad: int

    @property
    def share(self) -> float | None:
        """From 0 to 1; None where nothing was to be executed."""
        return self.good / (self.good + self.bad) if self.good + self.bad else None


def add_up_ended(*, now: datetime) -> int:
    """Add what ended since the last pass to the sums; return how many sums changed.

    Each ended run is counted once: the watermark moves in the same transaction, and of several
    Beats one holds it.
    """
    if is_up_to_date(NAME):
        return 0
    with transaction.atomic():
        return _add_up(now=now)


def _add_up(*, now: datetime) -> int:
    watermark = take_watermark(NAME, first=lambda: _first(now))
    if watermark is None:
        return 0
    until = min(now - SETTLED, watermark.at + LONGEST_PASS)
    if until <= watermark.at:
        return 0
    ended = (
        Run.objects.finished()
        .filter(finished_at__gt=watermark.at, finished_at__lte=until, job__isnull=False)
        .order_by()
        .values("job_id", "state", day=DayOf("scheduled_at"))
        .annotate(occurrences=Sum("count"), took=Sum(F("finished_at") - F("started_at")))
    )
    rows = list(ended)
    for row in rows:
        _add(
            job_id=row["job_id"],
            day=date.fromisoformat(row["day"]),
            state=row["state"],
            number=row["occurrences"],
            took=row["took"] or timedelta(0),
        )
    watermark.at = until
    watermark.save(update_fields=["at"])
    return len(rows)


def success_of(job_ids: Collection[int], *, since: date) -> dict[int, Success]:
    """Return each job's success from the day `since` on; jobs without a run are left out."""
    sums = (
        DayTotal.objects.filter(job_id__in=job_ids, day__gte=since, state__in=[*GOOD, *BAD])
        .order_by()
        .values("job_id", "state")
        .annotate(occurrences=Sum("number"))
    )
    counted: dict[int, dict[str, int]] = {}
    for row in sums:
        counted.setdefault(row["job_id"], {})[row["state"]] = row["occurrences"]
    return {
        job_id: Success(
            sum(number for state, number in states.items() if state in GOOD),
            sum(number for state, number in states.items() if state in BAD),
        )
        for job_id, states in counted.items()
    }


GOOD = (RunState.SUCCEEDED,)
BAD = (RunState.FAILED, RunState.LOST, RunState.TIMED_OUT, RunState.MISSED)


def _add(*, job_id: int, day: date, state: str, number: int, took: timedelta) -> None:
    took_ms = max(0, took // timedelta(milliseconds=1))
    sums = DayTotal.objects.filter(job_id=job_id, day=day, state=state)
    if not sums.update(number=F("number") + number, took_ms=F("took_ms") + took_ms):
        DayTotal.objects.create(job_id=job_id, day=day, state=state, number=number, took_ms=took_ms)


def _first(now: datetime) -> datetime:
    """Return an instant before everything that ever ended."""
    first = Run.objects.aggregate(first=Min("finished_at"))["first"]
    return (first or now - SETTLED).astimezone(UTC) - timedelta(microseconds=1)
