"""A timetable on the days of a calendar."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from schedules.errors import InvalidTimetable
from schedules.timing.cron import EARLIEST
from schedules.timing.days import DAY, Days
from schedules.timing.instants import utc
from schedules.timing.protocol import Timetable
from schedules.timing.window import INSTANT
from schedules.timing.zones import shown_at, zone_named

DayOff = Literal["skip", "next_day"]
"""What becomes of an occurrence on a day that the calendar does not allow: it does not take place,
or at the same time of the next allowed day.
"""

FARTHEST = 366
"""Days by which an occurrence is moved at most; one that would have to go farther falls away."""

LONGEST_JUMP = timedelta(hours=1)
"""By which clocks are put forward at most, but for a few days on which a zone changed its side."""

GIVES_UP_AFTER = timedelta(days=41 * 366)
"""Beyond the last listed date only weekdays count, and every date has had each of them by then."""


@dataclass(frozen=True, slots=True)
class OnDays:
    """The occurrences of `timetable` that fall on allowed days of the zone `tz`; what becomes of
    the others is said by `day_off`.

    A moved one keeps its time on the clock; where that does not exist on the new day it comes when
    the gap ends, where it is shown twice the first time. Several at one instant are one occurrence.
    Raises InvalidTimetable about `timezone` and `day_off`.
    """

    timetable: Timetable
    days: Days
    day_off: DayOff = "skip"
    tz: str = "UTC"
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.day_off not in get_args(DayOff):
            accepted = f"one of {', '.join(get_args(DayOff))}"
            raise InvalidTimetable("day_off", self.day_off, accepted)
        object.__setattr__(self, "_zone", zone_named(self.tz))

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the first occurrence strictly later than the aware `instant`, in UTC.

        None when there is none any more.
        """
        instant = max(utc(instant, field="instant"), EARLIEST)
        try:
            if self.day_off == "skip":
                return self._on_allowed_days(instant)
            return self._with_moved_ones(instant)
        except OverflowError:  # beyond the year 9999
            return None

    def moved_from(self, instant: datetime) -> datetime | None:
        """Return the occurrence of `timetable` that is moved to `instant`, in UTC; None where one
        of its own is there.
        """
        instant = utc(instant, field="instant")
        if self.day_off == "skip" or self.timetable.next_after(instant - INSTANT) == instant:
            return None
        target, clock = self._day_of(instant), instant.astimezone(self._zone).time()
        source = self.days.run_before(target, most=FARTHEST)
        while source < target:
            # Where the clock jumps on the new day, the old time lies before the new one.
            found = self.timetable.next_after(self._shown(source, clock) - LONGEST_JUMP - INSTANT)
            while found is not None and self._day_of(found) <= source:
                if self._shown(target, found.astimezone(self._zone).time()) == instant:
                    return found
                found = self.timetable.next_after(found)
            source += DAY
        return None

    def _on_allowed_days(self, instant: datetime) -> datetime | None:
        found, last = self.timetable.next_after(instant), self._last(instant)
        while found is not None and found <= last:
            day = self._day_of(found)
            allowed = self.days.first_allowed(day)
            if allowed is None or allowed == day:
                return found if allowed else None
            found = self.timetable.next_after(max(found, self._begin(allowed) - INSTANT))
        return None

    def _with_moved_ones(self, instant: datetime) -> datetime | None:
        """Look at one allowed day after the other, with the days before it that are moved there."""
        day, last = self._day_of(instant), self._last(instant)
        while (target := self.days.first_allowed(day)) is not None:
            first = min(self._coming_to(target, instant), default=None)
            if first is not None:
                return first
            found = self.timetable.next_after(max(instant, self._begin(target + DAY) - INSTANT))
            if found is None or found > last:
                return None
            day = max(self._day_of(found), target + DAY)
        return None

    def _coming_to(self, target: date, after: datetime) -> Iterator[datetime]:
        """Yield what is due on the allowed day `target`, later than `after`: of that day itself and
        of each day that is moved there the first one.
        """
        own = self.timetable.next_after(max(after, self._begin(target) - INSTANT))
        if own is not None and self._day_of(own) == target:
            yield own
        source = self.days.run_before(target, most=FARTHEST)
        while source < target:
            found = self.timetable.next_after(self._from(source, target, after) - INSTANT)
            if found is None:
                return
            day = self._day_of(found)
            if day > source:  # nothing on this one: go on with that one, from its beginning
                source = day
                continue
            while found is not None and self._day_of(found) == source:
                moved = self._shown(target, found.astimezone(self._zone).time())
                if moved > after:
                    yield moved
                    break
                found = self.timetable.next_after(found)
            source += DAY

    def _from(self, source: date, target: date, after: datetime) -> datetime:
        """Return from where on an occurrence of `source` can be later than `after` on `target`."""
        begin = self._begin(source)
        if self._day_of(after) != target:
            return begin
        # A repeated time is meant the first time here and there, so nothing later lies before it.
        return max(begin, self._shown(source, after.astimezone(self._zone).time()))

    def _shown(self, day: date, clock: time) -> datetime:
        """Return the instant on `day` at which the clock first shows the time, or jumps over it."""
        return shown_at(self._zone, wall=datetime.combine(day, clock))

    def _day_of(self, instant: datetime) -> date:
        return instant.astimezone(self._zone).date()

    def _begin(self, day: date) -> datetime:
        return datetime.combine(day, time(), tzinfo=self._zone).astimezone(UTC)

    def _last(self, instant: datetime) -> datetime:
        """Return an instant after which nothing is looked for any more."""
        begin = max(instant.date(), *self.days.dates[-1:], instant.date())
        if begin > date.max - GIVES_UP_AFTER:
            return datetime.max.replace(tzinfo=UTC)
        return datetime.combine(begin + GIVES_UP_AFTER, time(), tzinfo=UTC)
