"""Timetables as JSON: the form in which the timetable in force is stored and compared.

Equal timetables have equal specs, in which every key is always there; so the stored text may be
compared, hashed and kept as history. The keys are data at rest: add a type rather than change one.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any

from schedules.errors import InvalidTimetable
from schedules.timing.at import At
from schedules.timing.cron import Cron
from schedules.timing.days import Days
from schedules.timing.every import Every
from schedules.timing.instants import read_utc, utc_text
from schedules.timing.on_days import OnDays
from schedules.timing.protocol import Timetable
from schedules.timing.solar import Solar
from schedules.timing.window import Window

MICROSECOND = timedelta(microseconds=1)


def to_spec(timetable: Timetable) -> dict[str, Any]:
    """Return the timetable as a dict of JSON values. Raises InvalidTimetable for a foreign type."""
    match timetable:
        case Cron(expression=expression, tz=tz, day_rule=day_rule):
            return {"type": "cron", "expression": expression, "tz": tz, "day_rule": day_rule}
        case Every(interval=interval, anchor=anchor):
            every = interval // MICROSECOND
            return {"type": "every", "microseconds": every, "anchor": utc_text(anchor)}
        case At(instant=instant):
            return {"type": "at", "instant": utc_text(instant)}
        case Solar(event=event, latitude=latitude, longitude=longitude):
            place = {"latitude": latitude, "longitude": longitude}
            return {"type": "solar", "event": event, **place}
        case OnDays(timetable=inner, days=days, day_off=day_off, tz=tz):
            return {
                "type": "on_days",
                "of": to_spec(inner),
                "calendar": days.name,
                "dates": [day.isoformat() for day in days.dates],
                "weekdays": list(days.weekdays),
                "only": days.only,
                "day_off": day_off,
                "tz": tz,
            }
        case Window(timetable=inner, starts_at=starts_at, ends_at=ends_at):
            return {
                "type": "window",
                "of": to_spec(inner),
                "starts_at": starts_at and utc_text(starts_at),
                "ends_at": ends_at and utc_text(ends_at),
            }
        case _:
            raise InvalidTimetable("timetable", timetable, f"give one of {', '.join(_READERS)}")


def from_spec(spec: Mapping[str, Any]) -> Timetable:
    """Return the timetable that `to_spec` wrote.

    Raises InvalidTimetable for an unknown type, missing or further keys, and values a timetable
    refuses.
    """
    try:
        return _read_flat(**spec)
    except TypeError:  # it has lists, or other timetables, in it; or is no mapping at all
        return _read(spec)


@lru_cache(maxsize=4096, typed=True)
def _read_flat(**spec: Any) -> Timetable:
    return _read(spec)


def _read(spec: Mapping[str, Any]) -> Timetable:
    kind = spec.get("type") if isinstance(spec, Mapping) else None
    if not isinstance(kind, str) or kind not in _READERS:
        raise InvalidTimetable("type", kind, f"write one of {', '.join(_READERS)}")
    values = {key: value for key, value in spec.items() if key != "type"}
    keys, read = _READERS[kind]
    if values.keys() != keys:
        accepted = (
            f"a timetable of type {kind} has exactly the keys type, {', '.join(sorted(keys))}"
        )
        raise InvalidTimetable("timetable", ", ".join(map(str, spec)), accepted)
    return read(**values)


def _every(*, microseconds: Any, anchor: Any) -> Every:
    try:
        interval = timedelta(microseconds=microseconds)
    except (TypeError, OverflowError, ValueError):
        accepted = "write a whole number of microseconds, at least 1000000"
        raise InvalidTimetable("microseconds", microseconds, accepted) from None
    return Every(interval, anchor=read_utc(anchor, field="anchor"))


def _at(*, instant: Any) -> At:
    return At(read_utc(instant, field="instant"))


def _on_days(
    *, of: Any, calendar: Any, dates: Any, weekdays: Any, only: Any, day_off: Any, tz: Any
) -> OnDays:
    for name, value, kind in (("dates", dates, list), ("weekdays", weekdays, list)):
        if not isinstance(value, kind):
            raise InvalidTimetable(name, value, "write a list")
    if not isinstance(calendar, str) or not isinstance(only, bool):
        raise InvalidTimetable("calendar", calendar, "write a name, and true or false for only")
    days = Days(calendar, tuple(dates), tuple(weekdays), only)
    return OnDays(from_spec(of), days, day_off, tz)


def _window(*, of: Any, starts_at: Any, ends_at: Any) -> Window:
    bounds = {"starts_at": starts_at, "ends_at": ends_at}
    read = {
        name: None if value is None else read_utc(value, field=name)
        for name, value in bounds.items()
    }
    return Window(from_spec(of), **read)


_READERS: dict[str, tuple[set[str], Callable[..., Timetable]]] = {
    "cron": ({"expression", "tz", "day_rule"}, Cron),
    "every": ({"microseconds", "anchor"}, _every),
    "at": ({"instant"}, _at),
    "solar": ({"event", "latitude", "longitude"}, Solar),
    "on_days": (
        {"of", "calendar", "dates", "weekdays", "only", "day_off", "tz"},
        _on_days,
    ),
    "window": ({"of", "starts_at", "ends_at"}, _window),
}
