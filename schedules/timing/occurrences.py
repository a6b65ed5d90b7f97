"""Occurrences of any timetable: the next few, those of a period, their number, their distance."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from schedules.timing.at import At
from schedules.timing.cron import Cron
from schedules.timing.every import LEAST, Every
from schedules.timing.instants import utc
from schedules.timing.on_days import OnDays
from schedules.timing.protocol import Timetable
from schedules.timing.solar import LEAST_APART, Solar
from schedules.timing.window import Window


def occurrences(timetable: Timetable, *, after: datetime, count: int) -> Iterator[datetime]:
    """Return the next `count` occurrences strictly later than the aware `after`, in UTC.

    Fewer when the timetable ends. Nothing is computed before it is asked for.
    """
    return islice(_from(timetable, after), count)


def occurrences_between(
    timetable: Timetable, *, after: datetime, until: datetime
) -> Iterator[datetime]:
    """Return the occurrences later than `after` and no later than `until` (aware), in UTC."""
    until = utc(until, field="until")
    for occurrence in _from(timetable, after):
        if occurrence > until:
            return
        yield occurrence


def count_between(timetable: Timetable, *, after: datetime, until: datetime) -> int:
    """Return how many occurrences are later than `after` and no later than `until` (aware).

    An interval is divided; the occurrences of everything else are gone through.
    """
    if isinstance(timetable, Every):
        return timetable.count(after=after, until=until)
    if isinstance(timetable, Window):
        after = timetable.not_before_start(after)
        until = utc(until, field="until")
        until = until if timetable.ends_at is None else min(until, timetable.ends_at)
        return count_between(timetable.timetable, after=after, until=until)
    return sum(1 for _ in occurrences_between(timetable, after=after, until=until))


def smallest_gap(timetable: Timetable) -> timedelta | None:
    """Return a time that two neighbouring occurrences are at least apart.

    For `Cron` on the wall clock (see `Cron.smallest_gap`). None where two are never known to be
    neighbours: it fires once or never, or is none of this package's timetables.
    """
    match timetable:
        case Window():
            return smallest_gap(timetable.timetable)
        case OnDays(timetable=inner, day_off=day_off):
            # What is moved keeps its time: of an expression one of the same times of the day.
            is_moved = day_off == "next_day" and isinstance(inner, (Every, Solar))
            return LEAST if is_moved else smallest_gap(inner)
        case Cron():
            return timetable.smallest_gap()
        case Every():
            return timetable.interval
        case Solar():
            return LEAST_APART
        case At() | _:
            return None


def _from(timetable: Timetable, after: datetime) -> Iterator[datetime]:
    found = timetable.next_after(after)
    while found is not None:
        yield found
        found = timetable.next_after(found)
