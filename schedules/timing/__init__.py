"""When something is due: timetables as values, and the occurrences they mean.

Own maths, because the libraries differ where a business notices. Celery's crontab joins the two
day fields the other way than cron, goes silent or storms when a clock is put back, and reads
`MON#2` as every Monday; cronsim, the best of them and the oracle of our tests, skips occurrences in
zones whose clock moves by half an hour and has no choice of day rule. What each class means is said
where it is defined: the words of an expression in `grammar`, its days in `pattern`, changes of the
clock in `cron`.

Timetables are values: immutable, hashable, equal when they were given the same. Instants go in
aware and come out in UTC. All refusals are `schedules.errors.InvalidTimetable`, with field, found
and accepted. Nothing here imports a framework, reads a clock or touches global state.
"""

from schedules.errors import InvalidTimetable
from schedules.timing.at import At
from schedules.timing.cron import Cron
from schedules.timing.days import MOST_DATES, WEEKDAYS, Days
from schedules.timing.difference import Difference, difference
from schedules.timing.every import Every
from schedules.timing.jitter import jitter_of
from schedules.timing.layers import bounds_of, calendar_of, core_of, in_force, zone_of
from schedules.timing.marks import ClockMark, marked
from schedules.timing.occurrences import (
    count_between,
    occurrences,
    occurrences_between,
    smallest_gap,
)
from schedules.timing.on_days import DayOff, OnDays
from schedules.timing.pattern import DayRule
from schedules.timing.protocol import Timetable
from schedules.timing.solar import Solar
from schedules.timing.specs import from_spec, to_spec
from schedules.timing.tzdata import tzdata_version
from schedules.timing.window import Window
from schedules.timing.zones import next_changes

__all__ = [
    "MOST_DATES",
    "WEEKDAYS",
    "At",
    "ClockMark",
    "Cron",
    "DayOff",
    "DayRule",
    "Days",
    "Difference",
    "Every",
    "InvalidTimetable",
    "OnDays",
    "Solar",
    "Timetable",
    "Window",
    "bounds_of",
    "calendar_of",
    "core_of",
    "count_between",
    "difference",
    "from_spec",
    "in_force",
    "jitter_of",
    "marked",
    "next_changes",
    "occurrences",
    "occurrences_between",
    "smallest_gap",
    "to_spec",
    "tzdata_version",
    "zone_of",
]
