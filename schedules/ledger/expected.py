"""What should have happened: the occurrences of the timetable versions that were in force."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import groupby, islice
from typing import Any

from schedules.halts import Halt, own_pause
from schedules.models import Job, OccurrenceChange, ScheduleVersion
from schedules.states import ChangeState
from schedules.timing import Timetable, from_spec, jitter_of, occurrences_between

MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionInForce:
    """One version, and the span in which it decided: after `since`, up to and with `until`."""

    number: int
    since: datetime
    until: datetime | None
    timetable: Timetable | None
    enabled: bool
    active: bool
    one_off: bool
    jitter: timedelta
    pause: Halt | None
    reason: str
    changed_by: str


def versions_of(job: Job) -> list[VersionInForce]:
    """Return the job's versions, the oldest first, each until the next one took over."""
    rows = list(ScheduleVersion.objects.filter(job=job).order_by("number"))
    # A job that could never run has none.
    ends = [*(row.effective_at for row in rows[1:]), *([None] if rows else [])]
    return [_in_force(row, until) for row, until in zip(rows, ends, strict=True)]


def expected_occurrences(
    job: Job, *, after: datetime, until: datetime, now: datetime
) -> Iterator[datetime]:
    """Yield, in order, the occurrences of (`after`, `until`] that are to be in the ledger by `now`:
    those whose time has come, their jitter included, and those that were moved ahead and have run.

    Of what lies before `ledger_from` the rows may be gone.
    """
    versions = versions_of(job)
    by_timetable = _by_timetable(job, versions, after=after, until=until, now=now)
    ahead = _moved_ahead(job, versions, after=after, until=until)
    return (instant for instant, _ in groupby(merge(by_timetable, ahead)))


def _by_timetable(
    job: Job,
    versions: Sequence[VersionInForce],
    *,
    after: datetime,
    until: datetime,
    now: datetime,
) -> Iterator[datetime]:
    for version in versions:
        start = max(after, version.since)
        end = until if version.until is None else min(until, version.until)
        if version.timetable is None or not version.enabled or start >= end:
            continue
        found = _occurrences(version, after=start, until=min(end, now))
        # What is overtaken by another version is decided with the edit, whatever its jitter.
        is_settled = version.until is not None and version.until <= now
        if not version.jitter or is_settled:
            yield from found
            continue
        for instant in found:
            if instant + jitter_of(version.jitter, seed=job.key, instant=instant) > now:
                break
            yield instant


def occurrences_ever(job: Job, *, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield, in order, what the timetables that were in force meant in (`after`, `until`], also
    while the job was disabled; before the first of them, what the present one would have meant.
    """
    versions = versions_of(job)
    present = from_spec(job.timetable) if job.timetable else None
    begin = versions[0].since if versions else until
    if present is not None and not job.one_off and after < begin:
        yield from occurrences_between(present, after=after, until=min(begin, until))
    for version in versions:
        start = max(after, version.since)
        end = until if version.until is None else min(until, version.until)
        if version.timetable is not None and start < end:
            yield from _occurrences(version, after=start, until=end)


def _moved_ahead(
    job: Job, versions: Sequence[VersionInForce], *, after: datetime, until: datetime
) -> list[datetime]:
    """Return the occurrences that were decided before their time, because a person had moved them.

    The version of that moment says whether they were occurrences, whatever came after it.
    """
    moved = OccurrenceChange.objects.filter(
        job=job, state=ChangeState.USED, moved_to__isnull=False, scheduled_at__gt=after
    ).filter(scheduled_at__lte=until)
    found: set[datetime] = set()
    for instant, settled_at in moved.values_list("scheduled_at", "settled_at"):
        of_then = [
            one
            for one in versions
            if settled_at is not None
            and one.since < settled_at
            and (one.until is None or settled_at <= one.until)
        ]
        found.update(instant for one in of_then if neighbours(one, instant - MOMENT) == [instant])
    return sorted(found)


def neighbours(version: VersionInForce, instant: datetime, *, count: int = 1) -> list[datetime]:
    """Return the next `count` occurrences of the version strictly after `instant`."""
    if version.timetable is None:
        return []
    horizon = datetime.max.replace(tzinfo=instant.tzinfo)
    following = occurrences_between(version.timetable, after=instant, until=horizon)
    return list(islice(following, count))


def _occurrences(
    version: VersionInForce, *, after: datetime, until: datetime
) -> Iterator[datetime]:
    assert version.timetable is not None
    if not version.one_off:
        return occurrences_between(version.timetable, after=after, until=until)
    # Only the first after the version began counts, and it may lie before `after`.
    first = version.timetable.next_after(version.since)
    return iter([first] if first is not None and after < first <= until else [])


def _in_force(row: ScheduleVersion, until: datetime | None) -> VersionInForce:
    active = bool(row.policy.get("active", True))
    return VersionInForce(
        number=row.number,
        since=row.effective_at,
        until=until,
        timetable=None if row.timetable is None else from_spec(row.timetable),
        enabled=bool(row.policy.get("enabled", True)) and active,
        active=active,
        one_off=bool(row.policy.get("one_off", False)),
        jitter=timedelta(seconds=row.policy.get("jitter_seconds") or 0),
        pause=_pause(row.policy.get("pause")),
        reason=row.reason,
        changed_by=row.changed_by,
    )


def _pause(noted: dict[str, Any] | None) -> Halt | None:
    if noted is None:
        return None
    return own_pause(
        since=datetime.fromisoformat(noted["since"]),
        until=datetime.fromisoformat(noted["until"]) if noted["until"] else None,
        by=noted["by"],
        reason=noted["reason"],
    )
