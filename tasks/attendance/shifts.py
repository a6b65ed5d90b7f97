"""Which day a punch belongs to, and what a day's punches come to. Pure: no database, no clock.

The rule, for night shifts and for people in different time zones alike:

1. A punch *in* belongs to its date on the clocks where the employee works.
2. A punch *out* belongs to the day of the last punch in before it, if that was at most 24 hours
   ago. So a shift that ends in the morning counts for the evening on which it began.
3. Any other punch (out without in, or direction not told) belongs to the date of the employee's
   clocks, where the day begins at 04:00: going home at one in the morning ends the evening's work.

The first punch of a day that is not out is the clock-in (the first of all, if all are out); the
last one after it that is not in is the clock-out. Nothing depends on the order in which punches
arrive: a day is always worked out from all of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tasks.attendance.models import Direction, Status

LONGEST_SHIFT = timedelta(hours=24)
"""How long after a clock-in a clock-out still belongs to it."""

DAY_BEGINS = timedelta(hours=4)
"""How long after midnight a punch without direction still belongs to the evening before."""

LATE_AFTER = timedelta(minutes=15)
"""How long after the start of work somebody is not late yet."""

REACH = timedelta(days=4)
"""A punch changes its own day and the two beside it; these need punches no farther away than this,
in every zone.
"""

Punch = tuple[datetime, str]
"""An aware instant, and a `Direction`."""


@dataclass(frozen=True, slots=True)
class Shift:
    """What a day's punches come to; both instants are in UTC."""

    clock_in_at: datetime
    clock_out_at: datetime | None


def shifts_by_day(punches: Iterable[Punch], zone: ZoneInfo) -> dict[date, Shift]:
    """Return the shift of each day from one employee's punches, in any order."""
    days: dict[date, list[Punch]] = {}
    last_in: datetime | None = None
    for at, direction in sorted(punches, key=_before_others):
        if direction == Direction.IN:
            last_in = at
            day = at.astimezone(zone).date()
        elif direction == Direction.OUT and last_in is not None and at - last_in <= LONGEST_SHIFT:
            day = last_in.astimezone(zone).date()
        else:
            # First to the wall, then back by the clock: the day begins at 04:00 on that wall also
            # where clocks change in the night.
            day = (at.astimezone(zone).replace(tzinfo=None) - DAY_BEGINS).date()
        days.setdefault(day, []).append((at, direction))
    return {day: _shift(those) for day, those in days.items()}


def status_of(
    clock_in_at: datetime | None, *, work_starts_at: datetime | None, on_leave: bool
) -> Status:
    """Return the status of a day; leave that was granted stays leave, also for who came."""
    if on_leave:
        return Status.ON_LEAVE
    if clock_in_at is None:
        return Status.ABSENT
    if work_starts_at is not None and clock_in_at > work_starts_at + LATE_AFTER:
        return Status.LATE
    return Status.PRESENT


def _before_others(punch: Punch) -> tuple[datetime, bool]:
    at, direction = punch
    return at, direction != Direction.IN  # of two at one instant, in comes first


def _shift(punches: list[Punch]) -> Shift:
    begin = next((at for at, direction in punches if direction != Direction.OUT), punches[0][0])
    ends = [at for at, direction in punches if direction != Direction.IN and at > begin]
    return Shift(begin, ends[-1] if ends else None)
