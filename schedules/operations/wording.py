"""Words for people: instants, distances, timetables, states as tables and pages show them."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from schedules.adapters.periodic import NEVER
from schedules.models import Job
from schedules.timing import At, ClockMark, Cron, Every, OnDays, Solar, Timetable, Window, from_spec

NEVER_FIRES = " ".join(NEVER.values())


class Mark(NamedTuple):
    """How a state is shown: never by colour alone."""

    icon: str
    word: str
    tone: str


_TONES = {
    "good": ("✓", "ok succeeded running"),
    "bad": ("✗", "failed lost timed_out invalid failing dead"),
    "warn": ("!", "missed late retrying starting"),
    "calm": ("○", "planned sent ended"),
    "off": ("▫", "skipped cancelled paused disabled deleted stopped"),
}
_ICONS = {"running": "▶", "paused": "⏸", "sent": "↗", "retrying": "↻"}
_MARKS = {
    state: Mark(_ICONS.get(state, icon), state.replace("_", " "), tone)
    for tone, (icon, states) in _TONES.items()
    for state in states.split()
}

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def mark_of(state: str) -> Mark:
    """Return icon, word and tone (`good`, `bad`, `warn`, `calm`, `off`) of a state or condition."""
    return _MARKS.get(str(state), Mark("?", str(state), "calm"))


def iso(instant: datetime) -> str:
    """Return the instant in UTC with Z; microseconds only where there are any."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def iso_seconds(instant: datetime) -> str:
    """Return the instant in UTC with Z, cut to whole seconds."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def duration(length: timedelta) -> str:
    """Return a length of time by its two largest units, for example `2 h 5 min`."""
    if length < timedelta(0):
        return f"-{duration(-length)}"
    if length < timedelta(seconds=1):
        return f"{length // timedelta(milliseconds=1)} ms"
    if length < timedelta(seconds=10) and length.microseconds:
        return f"{length.total_seconds():.1f} s"
    left, parts = int(length.total_seconds()), []
    for unit, size in _UNITS:
        amount, left = divmod(left, size)
        if amount:
            parts.append(f"{amount} {unit}")
    return " ".join(parts[:2]) or "0 s"


def relative(instant: datetime, *, now: datetime) -> str:
    """Return how far the instant is from now: `in 5 min`, `2 h 5 min ago`, `now`."""
    distance = instant - now
    if abs(distance) < timedelta(seconds=1):
        return "now"
    whole = timedelta(seconds=round(abs(distance).total_seconds()))
    return f"in {duration(whole)}" if distance > timedelta(0) else f"{duration(whole)} ago"


def timetable_words(job: Job) -> str:
    """Return the job's timetable in force as one short phrase; the reason where there is none."""
    if job.timetable is None:
        return f"none: {job.invalid_reason}" if job.invalid_reason else "none"
    try:
        return describe(from_spec(job.timetable))
    except (ValueError, KeyError, TypeError):
        # A row somebody damaged by hand must not take the whole list with it.
        return "not readable"


def describe(timetable: Timetable) -> str:
    """Return a timetable as one short phrase, with its zone."""
    match timetable:
        case Cron(expression=expression) if expression == NEVER_FIRES:
            return "never by itself"
        case Cron():
            return f"{timetable.expression} {timetable.tz}"
        case Every():
            return f"every {duration(timetable.interval)}"
        case At():
            return f"once at {iso_seconds(timetable.instant)}"
        case Solar():
            return f"{timetable.event} at {timetable.latitude}, {timetable.longitude}"
        case OnDays(timetable=inner, days=days, day_off=day_off):
            otherwise = ", else the next day" if day_off == "next_day" else ""
            return f"{describe(inner)} on the days of {days.name}{otherwise}"
        case Window():
            ends = [
                f"{word} {iso_seconds(end)}"
                for word, end in (("from", timetable.starts_at), ("until", timetable.ends_at))
                if end is not None
            ]
            return " ".join([describe(timetable.timetable), *ends])
    return str(timetable)


def mark_words(mark: ClockMark) -> str:
    """Say what a change of the clock, or a calendar, does to an occurrence."""
    day = f"{mark.day.day} {mark.day:%B}"
    clock = f"{mark.clock:%H:%M}"
    twice = f"{clock} is shown twice on {day}"
    match mark.kind:
        case "shifted":
            return f"{clock} does not exist on {day}; runs at {mark.until:%H:%M}"
        case "passed_over":
            return f"{clock} to {mark.until:%H:%M} does not exist on {day}; nothing runs in it"
        case "moved":
            words = f"moved from {day}, which the calendar does not allow"
            return f"{words}; {clock} does not exist here" if mark.until else words
        case "once":
            return f"{twice}; runs the first time only"
        case "first":
            return f"{twice}; runs both times, this is the first"
        case _:
            return f"{twice}; runs both times, this is the second"
