"""What should have happened: occurrences by plain arithmetic and by cronsim, not by the product."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

from chaos.workload import Sample

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def occurrences(sample: Sample, *, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the occurrences later than `after` and no later than `until`, in UTC, in order."""
    if sample.every_seconds is not None:
        interval = timedelta(seconds=sample.every_seconds)
        number = (after - EPOCH) // interval + 1
        while (instant := EPOCH + number * interval) <= until:
            yield instant
            number += 1
        return
    for local in CronSim(sample.cron, after.astimezone(ZoneInfo(sample.zone))):
        instant = local.astimezone(UTC)
        if instant > until:
            return
        if instant > after:
            yield instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time in which a job was certainly on (or off); the ends are excluded."""

    since: datetime
    until: datetime

    def __contains__(self, instant: datetime) -> bool:
        return self.since < instant < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a row says it stands for: one occurrence, or `count` of them up to `until`."""

    scheduled_at: datetime
    until: datetime | None = None
    count: int = 1


@dataclass(slots=True)
class Match:
    """How the rows of one job compare with its occurrences."""

    checked: int = 0
    missing: list[datetime] = field(default_factory=list)
    extra: list[datetime] = field(default_factory=list)
    duplicate: list[datetime] = field(default_factory=list)
    miscounted: list[datetime] = field(default_factory=list)
    """Ranges whose count is not the number of occurrences in them."""


def match(
    sample: Sample, rows: Iterable[Entry], *, required: Iterable[Span], allowed: Span
) -> Match:
    """Compare rows with occurrences one to one.

    Each occurrence in a `required` span must have a row; one in `allowed` may; others may not.
    """
    found: dict[datetime, int] = {}
    result = Match()
    for row in rows:
        for instant in _covered(sample, row, result):
            found[instant] = found.get(instant, 0) + 1
    possible = set(occurrences(sample, after=allowed.since, until=allowed.until))
    spans = list(required)
    wanted = {instant for instant in possible if any(instant in span for span in spans)}
    result.checked = len(wanted)
    result.missing = sorted(wanted - found.keys())
    result.extra = sorted(found.keys() - possible)
    result.duplicate = sorted(instant for instant, times in found.items() if times > 1)
    return result


def _covered(sample: Sample, row: Entry, result: Match) -> list[datetime]:
    if row.until is None:
        return [row.scheduled_at]
    just_before = row.scheduled_at - timedelta(microseconds=1)
    covered = list(occurrences(sample, after=just_before, until=row.until))
    if len(covered) != row.count or not covered or covered[0] != row.scheduled_at:
        result.miscounted.append(row.scheduled_at)
    return covered


def percentile(values: Iterable[float], share: float) -> float:
    """Return the nearest-rank percentile, 0 for no values."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    rank = max(0, -(-len(ordered) * share // 1) - 1)
    return ordered[min(int(rank), len(ordered) - 1)]
