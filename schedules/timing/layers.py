"""The layers of a timetable in force: what was entered, a calendar around it, and bounds."""

from datetime import datetime

from schedules.timing.cron import Cron
from schedules.timing.days import Days
from schedules.timing.on_days import DayOff, OnDays
from schedules.timing.protocol import Timetable
from schedules.timing.window import Window


def in_force(
    entered: Timetable,
    *,
    days: Days | None = None,
    day_off: DayOff = "skip",
    tz: str = "UTC",
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> Timetable:
    """Return the timetable that holds for what was `entered`.

    `tz` says whose days the `days` are where the entered timetable has no zone of its own. Nothing
    lies outside the bounds, what the calendar has moved included. Raises InvalidTimetable.
    """
    timetable = entered
    if days is not None:
        zone = entered.tz if isinstance(entered, Cron) else tz
        timetable = OnDays(entered, days, day_off, zone)
    if starts_at is not None or ends_at is not None:
        timetable = Window(timetable, starts_at=starts_at, ends_at=ends_at)
    return timetable


def core_of(timetable: Timetable) -> Timetable:
    """Return the timetable as it was entered, without its bounds and its calendar."""
    within = timetable.timetable if isinstance(timetable, Window) else timetable
    return within.timetable if isinstance(within, OnDays) else within


def calendar_of(timetable: Timetable) -> OnDays | None:
    """Return the part of the timetable that goes by a calendar; None without one."""
    within = timetable.timetable if isinstance(timetable, Window) else timetable
    return within if isinstance(within, OnDays) else None


def zone_of(timetable: Timetable) -> str:
    """Return the name of the zone in which the timetable is written; UTC for most kinds."""
    core, by_calendar = core_of(timetable), calendar_of(timetable)
    if isinstance(core, Cron):
        return core.tz
    return by_calendar.tz if by_calendar is not None else "UTC"


def bounds_of(timetable: Timetable) -> tuple[datetime | None, datetime | None]:
    """Return the instants between which the timetable runs, both included; None where unbounded."""
    if isinstance(timetable, Window):
        return timetable.starts_at, timetable.ends_at
    return None, None
