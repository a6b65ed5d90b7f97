"""Cron expressions in a time zone: the readings of a wall clock, turned into instants.

Where the clock is put forward or back, the rules are those of Debian's cron, checked against that
program through both changes of a year:

- An expression whose minute or hour field begins with `*` follows the clock: it fires whenever the
  clock shows such a minute. Skipped minutes do not fire; those shown twice fire twice.
- Any other expression names times of the day. A time that is skipped fires once, when the gap ends
  (several of them at one instant are one occurrence); a time shown twice fires the first time.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

from schedules.errors import InvalidTimetable
from schedules.timing.grammar import tidy
from schedules.timing.instants import utc
from schedules.timing.pattern import DayRule, Pattern, pattern
from schedules.timing.zones import clock_change, offsets, steady_offset, zone_named

MINUTE = timedelta(minutes=1)
EARLIEST = datetime(1, 1, 3, tzinfo=UTC)
"""From here on every zone can tell its local time. No occurrence is looked for before."""

RULES_SETTLE = 2037
"""The last year whose changes compiled zone data lists one by one; from then on a rule repeats."""

CALENDAR_REPEATS = 400
"""Years. What a gap of the clock swallows in all of them after `RULES_SETTLE` never fires."""


@dataclass(frozen=True, slots=True, init=False)
class Cron:
    """The occurrences of a cron expression on the wall clock of a time zone.

    `tz` is an IANA name or a ZoneInfo; kept is the name. `day_rule` joins two restricted day fields
    (see `DayRule`). Raises InvalidTimetable about a field of the expression (`minute`, ...), the
    `expression`, the `timezone` or the `day_rule`.
    """

    expression: str
    tz: str
    day_rule: DayRule
    _pattern: Pattern = field(init=False, repr=False, compare=False)
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)

    def __init__(
        self, expression: str, tz: str | ZoneInfo = "UTC", day_rule: DayRule = "any"
    ) -> None:
        if day_rule not in get_args(DayRule):
            raise InvalidTimetable("day_rule", day_rule, "write any or all")
        text, zone = tidy(expression), zone_named(tz)
        values = (text, zone.key, day_rule, pattern(text, day_rule), zone)
        for name, value in zip(self.__slots__, values, strict=True):
            object.__setattr__(self, name, value)

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the first occurrence strictly later than the aware `instant`, in UTC.

        None when the expression never fires again.
        """
        instant = max(utc(instant, field="instant"), EARLIEST)
        today = instant.toordinal()
        offset = steady_offset(self._zone, day=today)
        try:
            if offset is None:
                return self._near_a_change(instant)
            wall = self._pattern.first(_next_minute(instant + offset))
            if wall is None or (wall - offset).toordinal() > today + 1:
                return self._shown(wall, after=instant)
            return wall - offset
        except OverflowError:  # beyond the year 9999
            return None

    def smallest_gap(self) -> timedelta | None:
        """Return a time that two occurrences are at least apart on the wall clock; None if never.

        Putting the clock forward can bring two named times closer than this, once a year.
        """
        return self._pattern.smallest_gap()

    # A `wall` is what the clock on the wall reads, written as if it were UTC: plain arithmetic.

    def _near_a_change(self, instant: datetime) -> datetime | None:
        local = instant.astimezone(self._zone)
        wall = _next_minute(local.replace(tzinfo=UTC, fold=0))
        before, after = offsets(local)
        if before == after:
            return self._shown(self._pattern.first(wall), after=instant)
        # The clock shows this time twice: it is put back at `change`.
        change = clock_change(self._zone, wall=local.replace(tzinfo=None, microsecond=0))
        found = self._pattern.first(wall)
        if found is not None and found - before < change and not local.fold:
            return found - before
        if not self._pattern.follows_clock:
            wall = _whole_minute(change + before)  # what is shown again was due the first time
        elif not local.fold:
            wall = _whole_minute(change + after)
        return self._shown(self._pattern.first(wall), after=instant)

    def _shown(self, wall: datetime | None, *, after: datetime) -> datetime | None:
        """Return the first instant later than `after` at which `wall`, or what follows, is due."""
        last_year = max(after.year, RULES_SETTLE) + CALENDAR_REPEATS
        while wall is not None and wall.year <= last_year:
            old, new = offsets(wall.replace(tzinfo=self._zone))
            if old >= new:
                return wall - old if wall - old > after else wall - new
            change = clock_change(self._zone, wall=wall)
            if not self._pattern.follows_clock:
                return change
            wall = self._pattern.first(_whole_minute(change + new))
        return None


def _next_minute(wall: datetime) -> datetime:
    return wall.replace(second=0, microsecond=0) + MINUTE


def _whole_minute(wall: datetime) -> datetime:
    whole = wall.replace(second=0, microsecond=0)
    return whole if whole == wall else whole + MINUTE
