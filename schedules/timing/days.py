"""Which days count: a list of dates and weekdays, excluded or the only ones allowed."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from schedules.errors import InvalidTimetable

DAY = timedelta(days=1)
MOST_DATES = 2000
"""Dates in a calendar: they are part of every job's timetable that goes by it."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""As `date.weekday` counts them."""


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a calendar. A day is listed by its date or by its weekday ("mon" to "sun").

    Listed days are excluded, or with `only` all others are. `name` is the calendar's, for words.
    Raises InvalidTimetable for what is no date or weekday, for too many, and for a calendar that
    leaves no day at all.
    """

    name: str
    dates: tuple[date, ...] = ()
    weekdays: tuple[str, ...] = ()
    only: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "dates", _dates(self.dates))
        object.__setattr__(self, "weekdays", _weekdays(self.weekdays))
        if self.only and not (self.dates or self.weekdays):
            raise InvalidTimetable("dates", "none", "at least one day on which jobs may run")
        if not self.only and len(self.weekdays) == len(WEEKDAYS):
            accepted = "some of the seven days; a calendar that excludes all leaves nothing to run"
            raise InvalidTimetable("weekdays", ", ".join(self.weekdays), accepted)

    def allows(self, day: date) -> bool:
        """Whether jobs that go by the calendar run on the day."""
        return self._lists(day) is self.only

    def first_allowed(self, day: date) -> date | None:
        """Return `day`, or the first allowed one after it; None where there is none any more."""
        if self.only:
            place = bisect_left(self.dates, day)
            found = [*self.dates[place : place + 1], *_within_a_week(day, self.weekdays, step=DAY)]
            return min(found, default=None)
        try:
            while not self.allows(day):
                day += DAY
        except OverflowError:  # after the last day of the year 9999
            return None
        return day

    def run_before(self, day: date, *, most: int) -> date:
        """Return the first of the days without an allowed one between it and `day`, which lie
        directly before `day`; `day` where the one before is allowed. At most `most` days before.
        """
        begin = day
        while (day - begin).days < most and begin > date.min and not self.allows(begin - DAY):
            begin -= DAY
        return begin

    def _lists(self, day: date) -> bool:
        if WEEKDAYS[day.weekday()] in self.weekdays:
            return True
        place = bisect_left(self.dates, day)
        return place < len(self.dates) and self.dates[place] == day


def _within_a_week(day: date, weekdays: tuple[str, ...], *, step: timedelta) -> list[date]:
    week = (day + n * step for n in range(min(7, (date.max - day).days + 1)))
    return [one for one in week if WEEKDAYS[one.weekday()] in weekdays][:1]


def _dates(given: Iterable[object]) -> tuple[date, ...]:
    dates = sorted({_date(one) for one in given})
    if len(dates) > MOST_DATES:
        raise InvalidTimetable("dates", f"{len(dates)} dates", f"at most {MOST_DATES}")
    return tuple(dates)


def _date(given: object) -> date:
    if type(given) is date:
        return given
    try:
        return date.fromisoformat(given if isinstance(given, str) else "")
    except ValueError:
        raise InvalidTimetable("dates", given, "dates such as 2026-12-25") from None


def _weekdays(given: Iterable[object]) -> tuple[str, ...]:
    named = list(given)
    for one in named:
        if one not in WEEKDAYS:
            raise InvalidTimetable("weekdays", one, f"of {', '.join(WEEKDAYS)}")
    return tuple(day for day in WEEKDAYS if day in named)
