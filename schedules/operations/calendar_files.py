"""The dates in an .ics file. icalendar reads its text and dateutil repeats its rules; how much of
either a file may ask for is bounded here.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

from dateutil.rrule import rrulestr
from icalendar import Calendar as File

from schedules.errors import InvalidInput
from schedules.timing import MOST_DATES

MOST_CHARACTERS = 1_000_000
MOST_EVENTS = 5000
MOST_REPEATING = 100
LONGEST_EVENT = 366
"""Days of one event."""

YEARS_AHEAD = 10
"""How far a rule without an end is followed."""

EARLIEST = date(1970, 1, 1)
LATEST = date(2999, 12, 31)

FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
PARTS = frozenset(("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYMONTH", "BYDAY"))
MORE_PARTS = PARTS | {"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"}
"""What a rule of days or weeks, and one of months or years, may say: no times of the day, as they
could be millions, and nothing that would look at every day up to the year 9999 in vain.
"""

ONE_DAY = timedelta(days=1)


def dates_in(text: str, *, today: date) -> list[date]:
    """Return the dates on which the events of an .ics file lie, in order.

    An event of several days counts on each of them, on the clock that it is written in; called-off
    ones do not count. Rules are followed for ten years from `today`. Raises InvalidInput about
    `ics` for what is no such file, for an event that cannot be read, and for one that is too much.
    """
    if len(text) > MOST_CHARACTERS:
        raise InvalidInput(
            "ics", f"{len(text)} characters", f"a file of at most {MOST_CHARACTERS} characters"
        )
    try:
        events = [event for event in File.from_ical(text).walk("VEVENT") if _counts(event)]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        accepted = "the text of an iCalendar file, from BEGIN:VCALENDAR to END:VCALENDAR"
        raise InvalidInput("ics", text[:60], accepted) from None
    if not events:
        raise InvalidInput("ics", "no events", "a file with at least one VEVENT")
    repeating = sum("RRULE" in event for event in events)
    if len(events) > MOST_EVENTS or repeating > MOST_REPEATING:
        found = f"{len(events)} events, {repeating} of them repeating"
        accepted = f"at most {MOST_EVENTS} events, {MOST_REPEATING} of them repeating"
        raise InvalidInput("ics", found, accepted)
    found_dates: set[date] = set()
    replaced = _replaced(events)
    for event in events:
        found_dates.update(_days_of(event, replaced.get(str(event.get("UID", "")), set()), today))
        if len(found_dates) > MOST_DATES:
            raise InvalidInput("ics", f"over {MOST_DATES} dates", f"at most {MOST_DATES} dates")
    return sorted(found_dates)


def _counts(event: Any) -> bool:
    return str(event.get("STATUS", "")).upper() != "CANCELLED"


def _replaced(events: Iterable[Any]) -> dict[str, set[date]]:
    """Return by event the days of a rule that events of their own stand in for."""
    replaced: dict[str, set[date]] = {}
    for event in events:
        if "RECURRENCE-ID" in event:
            day = _day(event, "RECURRENCE-ID")
            replaced.setdefault(str(event.get("UID", "")), set()).add(day)
    return replaced


def _days_of(event: Any, replaced: set[date], today: date) -> Iterator[date]:
    first, number = _span(event)
    begins = [first]
    if "RECURRENCE-ID" not in event:
        begins += [*_listed(event, "RDATE"), *_repeated(event, first, today)]
        without = {*_listed(event, "EXDATE"), *replaced}
        begins = [begin for begin in begins if begin not in without]
    for begin in begins:
        for place in range(number):
            yield begin + place * ONE_DAY


def _span(event: Any) -> tuple[date, int]:
    """Return the first day of the event and its number of days."""
    first = _day(event, "DTSTART")
    if "DTEND" in event:
        end = _value(event, "DTEND")
    elif "DURATION" in event:
        begin = _value(event, "DTSTART")
        begin = begin if isinstance(begin, datetime) else datetime.combine(begin, time())
        end = _checked(event, "DURATION", lambda: begin + event["DURATION"].dt)
    else:
        return first, 1
    if _is_before(end, _value(event, "DTSTART")):
        name = "DTEND" if "DTEND" in event else "DURATION"
        raise _refusal(event, name, str(end), "not before its DTSTART")
    last = end.date() if isinstance(end, datetime) else end
    if not isinstance(end, datetime) or end.time() == time():
        last -= ONE_DAY  # an end belongs to the event no more
    number = max(1, (last - first).days + 1)
    if number > LONGEST_EVENT:
        raise _refusal(event, "DTEND", f"{number} days", f"at most {LONGEST_EVENT} days")
    return first, number


def _is_before(end: date, begin: date) -> bool:
    try:
        return end < begin
    except TypeError:  # one with a clock or a zone, one without
        days = [one.date() if isinstance(one, datetime) else one for one in (end, begin)]
        return days[0] < days[1]


def _repeated(event: Any, first: date, today: date) -> list[date]:
    if "RRULE" not in event:
        return []
    rule = event["RRULE"]
    given: dict[str, Any] = dict(rule) if isinstance(rule, dict) else {}
    frequency = str(next(iter(given.get("FREQ", [])), "")).upper()
    interval = next(iter(given.get("INTERVAL", [1])), 1)
    parts = MORE_PARTS if frequency in ("MONTHLY", "YEARLY") else PARTS
    if frequency not in FREQUENCIES or given.keys() - parts or interval < 1:
        accepted = f"one rule with FREQ of {', '.join(FREQUENCIES)} that says which days"
        raise _refusal(event, "RRULE", _text(rule), accepted)
    horizon = _end_of(event, given.pop("UNTIL", None), today)
    most = next(iter(given.pop("COUNT", [MOST_DATES + 1])), 0)

    def follow() -> list[date]:
        text = f"{_text(type(rule)(given))};UNTIL={horizon:%Y%m%d}T235959"
        found = rrulestr(text, dtstart=datetime.combine(first, time()))
        return [at.date() for at in islice(found, min(most, MOST_DATES + 1))]

    days: list[date] = _checked(event, "RRULE", follow)
    return days


def _text(rule: Any) -> str:
    return rule.to_ical().decode() if hasattr(rule, "to_ical") else str(rule)


def _end_of(event: Any, until: list[Any] | None, today: date) -> date:
    horizon = today.replace(year=today.year + YEARS_AHEAD, day=1)
    if not until:
        return horizon
    last = until[0]
    zone = getattr(_value(event, "DTSTART"), "tzinfo", None)
    if isinstance(last, datetime) and last.tzinfo and zone:
        last = _checked(event, "RRULE", lambda: until[0].astimezone(zone))
    end: date = last.date() if isinstance(last, datetime) else last
    return min(horizon, end)


def _listed(event: Any, name: str) -> list[date]:
    lines = event.get(name, [])
    lines = lines if isinstance(lines, list) else [lines]

    def read() -> list[tuple[Any, Any]]:
        return [(line, one.dt) for line in lines for one in line.dts]

    found: list[date] = []
    for line, value in _checked(event, name, read):
        begin = value[0] if isinstance(value, tuple) else value
        _refuse_unknown_zone(event, name, line, begin)
        day = _day_there(event, name, begin)
        found.append(_near(event, name, day) if name == "RDATE" else day)
    return found


def _day_there(event: Any, name: str, value: date) -> date:
    """Return the day of the instant on the clock that the event is written in."""
    if not isinstance(value, datetime):
        return value
    zone = getattr(_value(event, "DTSTART"), "tzinfo", None)
    if not zone or not value.tzinfo:
        return value.date()
    day: date = _checked(event, name, lambda: value.astimezone(zone).date())
    return day


def _day(event: Any, name: str) -> date:
    value: date = _value(event, name)
    day = value if name == "DTSTART" else _day_there(event, name, value)
    if isinstance(day, datetime):
        day = day.date()
    return _near(event, name, day)


def _near(event: Any, name: str, day: date) -> date:
    if not EARLIEST <= day <= LATEST:
        raise _refusal(event, name, day.isoformat(), f"a date from {EARLIEST} to {LATEST}")
    return day


def _value(event: Any, name: str) -> Any:
    value = _checked(event, name, lambda: event[name].dt)
    if not isinstance(value, date):  # a datetime is one, too
        raise _refusal(event, name, str(value), "a date, such as 20261225")
    _refuse_unknown_zone(event, name, event[name], value)
    return value


def _refuse_unknown_zone(event: Any, name: str, line: Any, value: date) -> None:
    zone = getattr(line, "params", {}).get("TZID")
    if zone is not None and isinstance(value, datetime) and value.tzinfo is None:
        accepted = "with a TZID that the file defines or that IANA names, such as Asia/Jakarta"
        raise _refusal(event, name, f"with TZID {zone}", accepted)


def _checked(event: Any, name: str, read: Any) -> Any:
    try:
        return read()
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError):
        raise _refusal(event, name, str(event.get(name, "missing")), "as RFC 5545 has it") from None


def _refusal(event: Any, name: str, found: str, accepted: str) -> InvalidInput:
    title = str(event.get("SUMMARY", "") or event.get("UID", "") or "one event")[:60]
    return InvalidInput("ics", f"{name} {found[:80]} of {title!r}", f"{name} {accepted}")
