"""Which readings of a wall clock a cron expression means, found date first. Knows no time zone.

Which days of a month match depends on nothing but the month's length and the weekday it begins on,
so a pattern is a table of at most 28 such shapes. It also proves "never": all fourteen calendars of
a year occur in the 400 years after which the Gregorian calendar repeats, so what matches in no
shape of any of its months matches on no date.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import MAXYEAR, datetime, timedelta
from functools import lru_cache
from itertools import pairwise, product
from typing import Literal, NamedTuple

from schedules.timing.grammar import LAST, Fields, parse

DayRule = Literal["any", "all"]
"""Both day fields restricted: `any`, one match is enough (crontab(5)); `all`, both must match."""

LENGTHS = {1: (31,), 2: (28, 29), 4: (30,), 6: (30,), 9: (30,), 11: (30,)}
"""In days, by month; those missing are as January."""

SATURDAY, SUNDAY = 5, 6
"""As `calendar` counts weekdays, from Monday as 0."""

WEEKLY = 1 | 1 << 7 | 1 << 14 | 1 << 21 | 1 << 28
"""A day and the same weekday in the four weeks that follow."""

month_shape = lru_cache(maxsize=4096)(monthrange)
"""(weekday of the first, length in days) of a year and month."""


class Pattern(NamedTuple):
    """The wall-clock readings of one expression and day rule. Sets are integers as in `Fields`."""

    minutes: int
    hours: int
    months: int
    days: dict[tuple[int, int], int]
    """By the shape of the month, the days that match."""
    first_hour: int
    first_minute: int
    follows_clock: bool
    """Minute or hour begin with `*`: meant is every such minute that the clock really shows."""
    never: bool
    """No date matches."""

    def first(self, wall: datetime) -> datetime | None:
        """Return the first matching reading at or after `wall`, which is a whole minute.

        Its time zone is carried along and means nothing here.
        None when there is none up to the year 9999.
        """
        if self._days_in(wall.year, wall.month) >> wall.day & 1:
            hour = lowest(self.hours, wall.hour)
            if hour == wall.hour:
                minute = lowest(self.minutes, wall.minute)
                if minute >= 0:
                    return wall.replace(minute=minute)
                hour = lowest(self.hours, hour + 1)
            if hour >= 0:
                return wall.replace(hour=hour, minute=self.first_minute)
        return self._on_a_later_day(wall)

    def _on_a_later_day(self, wall: datetime) -> datetime | None:
        if self.never:
            return None
        year, month, day = wall.year, wall.month, wall.day + 1
        while year <= MAXYEAR:
            day = lowest(self._days_in(year, month), day)
            if day >= 0:
                return wall.replace(year, month, day, self.first_hour, self.first_minute)
            day, month = 1, lowest(self.months, month + 1)
            if month < 0:
                year, month = year + 1, lowest(self.months, 1)
        return None

    def _days_in(self, year: int, month: int) -> int:
        return self.days[month_shape(year, month)] if self.months >> month & 1 else 0

    def smallest_gap(self) -> timedelta | None:
        """Return a time that two neighbouring readings are at least apart; None if there are none.

        Exact within a day; beyond, a day that matches is taken to be followed by another.
        """
        if self.never:
            return None
        minutes, hours = list(numbers(self.minutes)), list(numbers(self.hours))
        gaps = [later - sooner for sooner, later in pairwise(minutes)]
        over = minutes[0] - minutes[-1]
        next_hours = [*hours[1:], hours[0] + 24]
        gaps += [
            60 * (later - sooner) + over for sooner, later in zip(hours, next_hours, strict=True)
        ]
        return timedelta(minutes=min(gaps))


def lowest(numbers: int, least: int) -> int:
    """Return the lowest number of the set that is `least` or more; -1 when there is none."""
    rest = numbers >> least
    return least + (rest & -rest).bit_length() - 1 if rest else -1


def numbers(of: int) -> Iterator[int]:
    """Return the numbers of the set `of`, from the lowest up."""
    return (number for number in range(of.bit_length()) if of >> number & 1)


@lru_cache(maxsize=1024)
def pattern(expression: str, day_rule: DayRule) -> Pattern:
    """Return what the expression means. Raises InvalidTimetable as `parse` does."""
    fields = parse(expression)
    days = {
        (first, length): _days(fields, day_rule, first=first, length=length)
        for first, length in product(range(7), (28, 29, 30, 31))
    }
    shapes = product(
        range(7), {n for month in numbers(fields.months) for n in LENGTHS.get(month, (31,))}
    )
    return Pattern(
        minutes=fields.minutes,
        hours=fields.hours,
        months=fields.months,
        days=days,
        first_hour=lowest(fields.hours, 0),
        first_minute=lowest(fields.minutes, 0),
        follows_clock=not fields.starred.isdisjoint(("minute", "hour")),
        never=not any(days[shape] for shape in shapes),
    )


def _days(fields: Fields, day_rule: DayRule, *, first: int, length: int) -> int:
    """Combine the two day fields for a month of this shape.

    Two restricted fields are joined by the day rule. A field that begins with `*` is no restriction
    and both must match, also where it is `*/2` (Debian's cron).
    """
    by_number = _by_number(fields, first=first, length=length)
    by_weekday = _by_weekday(fields, first=first, length=length)
    restricted = fields.starred.isdisjoint(("day of month", "day of week"))
    return by_number | by_weekday if restricted and day_rule == "any" else by_number & by_weekday


def _by_number(fields: Fields, *, first: int, length: int) -> int:
    found = fields.days & (2 << length) - 2
    if fields.days >> LAST & 1:
        found |= 1 << length
    for day in numbers(fields.nearest):
        if day <= length:  # 31W in a month of 30 days means none, as 31 does
            found |= 1 << _nearest_weekday(length if day == LAST else day, first, length)
    return found


def _nearest_weekday(day: int, first: int, length: int) -> int:
    """Return the weekday nearest to `day` that lies in the same month."""
    weekday = (first + day - 1) % 7
    if weekday == SATURDAY:
        return day - 1 if day > 1 else 3
    if weekday == SUNDAY:
        return day + 1 if day < length else day - 2
    return day


def _by_weekday(fields: Fields, *, first: int, length: int) -> int:
    found = 0
    for day in range(1, 8):  # each weekday for the first time
        weekday = (first + day) % 7  # from Monday as 0 to Sunday as 0
        if fields.weekdays >> weekday & 1:
            found |= WEEKLY << day
        for week, meant in enumerate(fields.weeks):
            if meant >> weekday & 1:
                found |= 1 << day + 7 * ((length - day) // 7 if week == LAST else week - 1)
    return found & (2 << length) - 2
