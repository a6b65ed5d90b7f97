"""What should have happened: the occurrences of the timetable versions that were in force."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from schedules.models import Job, ScheduleVersion
from schedules.timing import Timetable, from_spec, occurrences_between


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionInForce:
    """One version, and the span in which it decided: after `since`, up to and with `until`."""

    number: int
    since: datetime
    until: datetime | None
    timetable: Timetable | None
    enabled: bool
    one_off: bool
    reason: str


def versions_of(job: Job) -> list[VersionInForce]:
    """Return the job's versions, the oldest first, each until the next one took over."""
    rows = list(ScheduleVersion.objects.filter(job=job).order_by("number"))
    ends = [row.effective_at for row in rows[1:]] + [None]
    return [_in_force(row, until) for row, until in zip(rows, ends, strict=True)]


def expected_occurrences(job: Job, *, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield, in order, the occurrences that should have a row: those in (`after`, `until`].

    What lies before the job's ledger began, or was not planned yet, is not among them.
    """
    begin = after if job.ledger_from is None else max(after, job.ledger_from)
    for version in versions_of(job):
        start = max(begin, version.since)
        end = until if version.until is None else min(until, version.until)
        if version.timetable is None or not version.enabled or start >= end:
            continue
        if version.one_off:
            # Only the first after the version began counts, and it may lie before `after`.
            first = version.timetable.next_after(version.since)
            yield from (i for i in [first] if i is not None and start < i <= end)
            continue
        yield from occurrences_between(version.timetable, after=start, until=end)


def neighbours(version: VersionInForce, instant: datetime, *, count: int = 1) -> list[datetime]:
    """Return the next `count` occurrences of the version strictly after `instant`."""
    if version.timetable is None:
        return []
    horizon = datetime.max.replace(tzinfo=instant.tzinfo)
    following = occurrences_between(version.timetable, after=instant, until=horizon)
    return list(islice(following, count))


def _in_force(row: ScheduleVersion, until: datetime | None) -> VersionInForce:
    return VersionInForce(
        number=row.number,
        since=row.effective_at,
        until=until,
        timetable=None if row.timetable is None else from_spec(row.timetable),
        enabled=bool(row.policy.get("enabled", True)),
        one_off=bool(row.policy.get("one_off", False)),
        reason=row.reason,
    )
