"""What a change of the clock, or a calendar, means for single occurrences, as facts that can be put
into words.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from schedules.timing.cron import Cron
from schedules.timing.instants import utc
from schedules.timing.layers import calendar_of, core_of
from schedules.timing.on_days import OnDays
from schedules.timing.pattern import Pattern, pattern
from schedules.timing.protocol import Timetable
from schedules.timing.zones import next_changes, offsets, shown_at, steady_offset

INSTANT = timedelta(microseconds=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockMark:
    """Why an occurrence is not simply when its expression says.

    `shifted`: the time `clock` does not exist on `day` and it runs at `until`. `passed_over`: the
    minutes from `clock` to `until` do not exist, and what falls into them does not run. `moved`:
    it was meant for `clock` on `day`, which its calendar does not allow; `until` is what the clock
    shows then, if that is another time. The others are of a time that is shown twice: `once` runs
    the first time only, `first` and `second` both.
    """

    kind: Literal["shifted", "passed_over", "moved", "once", "first", "second"]
    day: date
    clock: time
    until: time | None = None


def marked(
    timetable: Timetable, instants: Iterable[datetime], *, after: datetime
) -> Iterator[tuple[datetime, ClockMark | None]]:
    """Yield each of the timetable's consecutive occurrences with its mark, if it has one.

    `after` is the instant after which they begin. Only a cron expression follows a clock.
    """
    by_calendar = calendar_of(timetable)
    for instant, mark in _marked_by_clock(timetable, instants, after=after):
        moved = by_calendar and _mark_of_move(by_calendar, instant)
        yield instant, moved or mark


def _mark_of_move(by_calendar: OnDays, instant: datetime) -> ClockMark | None:
    source = by_calendar.moved_from(instant)
    if source is None:
        return None
    zone = ZoneInfo(by_calendar.tz)
    meant, shown = source.astimezone(zone), instant.astimezone(zone).time()
    until = None if shown == meant.time() else shown
    return ClockMark(kind="moved", day=meant.date(), clock=meant.time(), until=until)


def _marked_by_clock(
    timetable: Timetable, instants: Iterable[datetime], *, after: datetime
) -> Iterator[tuple[datetime, ClockMark | None]]:
    cron = core_of(timetable)
    if not isinstance(cron, Cron) or cron.tz == "UTC":
        yield from ((instant, None) for instant in instants)
        return
    zone, meaning = ZoneInfo(cron.tz), pattern(cron.expression, cron.day_rule)
    before = utc(after, field="after")
    for instant in instants:
        yield instant, _mark(meaning, zone, instant, before)
        before = instant


def mark_of_wall(zone: ZoneInfo, *, wall: datetime) -> ClockMark | None:
    """Return why what is to be at `wall` (naive) on the zone's clock is not simply then."""
    old, new = offsets(wall.replace(tzinfo=zone))
    if old == new:
        return None
    if old > new:
        return ClockMark(kind="once", day=wall.date(), clock=wall.time())
    until = shown_at(zone, wall=wall).astimezone(zone).time()
    return ClockMark(kind="shifted", day=wall.date(), clock=wall.time(), until=until)


def _mark(
    meaning: Pattern, zone: ZoneInfo, instant: datetime, before: datetime
) -> ClockMark | None:
    if steady_offset(zone, day=instant.toordinal()) is not None:
        return None  # nothing changes from the day before to the day after
    local = instant.astimezone(zone)
    old, new = offsets(local)
    if old > new:
        kind: Literal["once", "first", "second"] = "once"
        if meaning.follows_clock:
            kind = "second" if local.fold else "first"
        return ClockMark(kind=kind, day=local.date(), clock=local.time())
    return _over_a_gap(meaning, zone, instant, max(before, instant - DAY))


def _over_a_gap(
    meaning: Pattern, zone: ZoneInfo, instant: datetime, before: datetime
) -> ClockMark | None:
    """Return the mark of an occurrence at, or the next after, an instant that ends a gap."""
    if not meaning.follows_clock:
        before = instant - INSTANT
    for change in next_changes(zone.key, after=before - DAY, count=2, within=3 * DAY):
        if not before < change <= instant:
            continue
        old = (change - INSTANT).astimezone(zone).utcoffset()
        new = change.astimezone(zone).utcoffset()
        assert old is not None
        assert new is not None
        begin, end = _wall(change + old), _wall(change + new)
        swallowed = meaning.first(_whole_minute(begin)) if old < new else None
        if swallowed is None or swallowed >= end:
            continue
        if meaning.follows_clock:
            times = {"clock": begin.time(), "until": end.time()}
            return ClockMark(kind="passed_over", day=begin.date(), **times)
        shown = instant.astimezone(zone).time()
        return ClockMark(kind="shifted", day=swallowed.date(), clock=swallowed.time(), until=shown)
    return None


def _wall(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(microsecond=0)


def _whole_minute(wall: datetime) -> datetime:
    whole = wall.replace(second=0)
    return whole if whole == wall else whole + timedelta(minutes=1)
