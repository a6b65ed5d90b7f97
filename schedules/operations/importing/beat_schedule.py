"""Celery's `beat_schedule`: a dictionary in a Python module, or the same as JSON."""

import json
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from importlib import import_module
from pathlib import Path
from typing import Any

from celery import Celery, current_app
from celery import schedules as celery_schedules

from schedules.errors import InvalidInput
from schedules.operations.importing.found import Found, NotCarried, Unreadable, Wanted
from schedules.timing import Cron, Every, Solar, Timetable

ATTRIBUTES = ("beat_schedule", "CELERY_BEAT_SCHEDULE", "CELERYBEAT_SCHEDULE")
APPS = ("app", "celery")
ZONES = ("timezone", "CELERY_TIMEZONE")
KNOWN = {"task", "schedule", "args", "kwargs", "options", "relative"}
"""What an entry may have."""

CRON_PARTS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
ACCEPTED = "a JSON file (- for stdin), or a Python path, such as shop.celery:app.conf.beat_schedule"
SCHEDULES = (
    'a number of seconds, {"every": 5, "period": "minutes"}, {"minute": "0", "hour": "5"},'
    ' "0 5 * * *" or {"event": "sunset", "latitude": 1, "longitude": 2}'
)


def read_beat_schedule(source: str, *, tz: str | None, now: datetime) -> list[Found]:
    """Return the entries of a `beat_schedule`, by name.

    A Python module is imported, with all that follows from it: it is the caller's own code. `tz` is
    the zone of its crontabs; `None` is that of the app or module that has them, or else Celery's
    here. Intervals begin at `now`. Raises InvalidInput for a source without such a dictionary.
    """
    entries, own_tz = (_from_json(source), None) if _is_file(source) else _from_python(source)
    if not isinstance(entries, Mapping):
        raise InvalidInput("source", source, f"a dictionary of entries; {ACCEPTED}")
    tz = tz or own_tz or str(current_app.conf.timezone or "UTC")
    return [_found(str(name), entry, tz=tz, now=now) for name, entry in entries.items()]


def _is_file(source: str) -> bool:
    return source == "-" or source.endswith(".json")


def _from_json(source: str) -> Any:
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
        return json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidInput("source", source, f"a readable JSON file; {error}") from None


def _from_python(source: str) -> tuple[Any, str | None]:
    """Return what the path leads to, and the zone that is said on the way there."""
    path, _, attribute = source.partition(":")
    try:
        passed: list[Any] = [import_module(path)]
    except Exception as error:  # it is somebody else's code
        said = f"{type(error).__name__}: {error}"
        raise InvalidInput("source", source, f"{ACCEPTED}; {said}") from error
    name = attribute or _usual_name(passed[0])
    if not name:
        accepted = f"a module with an app or one of {', '.join(ATTRIBUTES)}, or MODULE:ATTRIBUTE"
        raise InvalidInput("source", source, accepted)
    try:
        for step in name.split("."):
            passed.append(getattr(passed[-1], step))
    except AttributeError as error:
        raise InvalidInput("source", source, f"{ACCEPTED}; {error}") from None
    found = passed[-1].conf.beat_schedule if isinstance(passed[-1], Celery) else passed[-1]
    return found, next(filter(None, map(_zone_said, reversed(passed))), None)


def _usual_name(module: Any) -> str | None:
    names = [name for name in ATTRIBUTES if hasattr(module, name)]
    names += [name for name in APPS if isinstance(getattr(module, name, None), Celery)]
    return names[0] if names else None


def _zone_said(holder: Any) -> str | None:
    if isinstance(holder, Celery):
        return str(holder.timezone)  # UTC where its configuration names none
    zones = (getattr(holder, name, None) for name in ZONES)  # Django's `timezone` is a module
    return next((str(zone) for zone in zones if isinstance(zone, str | tzinfo)), None)


def _found(name: str, entry: Any, *, tz: str, now: datetime) -> Found:
    if not (isinstance(entry, Mapping) and isinstance(entry.get("task"), str)):
        return Unreadable(name=name, reason='it is no dictionary with "task" and "schedule"')
    task: str = entry["task"]
    anchor = now.replace(microsecond=0)
    try:
        timetable = _timetable(entry.get("schedule"), tz=tz, anchor=anchor)
        values, remarks = _values(entry)
    except (NotCarried, InvalidInput) as reason:
        return Unreadable(name=name, task=task, reason=str(reason))
    except (ValueError, TypeError, OverflowError) as error:
        return Unreadable(name=name, task=task, reason=f"it cannot be read: {error}")
    return Wanted(name=name, task=task, timetable=timetable, values=values, remarks=tuple(remarks))


def _timetable(given: Any, *, tz: str, anchor: datetime) -> Timetable:
    found = _of_python(given, tz=tz, anchor=anchor) or _of_json(given, tz=tz, anchor=anchor)
    if found is None:
        raise NotCarried(f"its schedule is {given!r:.80}: taken is {SCHEDULES}")
    return found


def _of_python(given: Any, *, tz: str, anchor: datetime) -> Timetable | None:
    match given:
        case timedelta():
            return Every(given, anchor=anchor)
        case celery_schedules.crontab():
            parts = {name: str(getattr(given, f"_orig_{name}")) for name in CRON_PARTS}
            return _cron(parts, tz=_zone_of(given) or tz)
        case celery_schedules.solar():
            return Solar(given.event, float(given.lat), float(given.lon))
        case celery_schedules.schedule():
            interval: timedelta = given.run_every  # type: ignore[attr-defined]  # set by Celery
            return Every(interval, anchor=anchor)
    return None


def _of_json(given: Any, *, tz: str, anchor: datetime) -> Timetable | None:
    match given:
        case bool():
            return None
        case int() | float():
            return Every(timedelta(seconds=given), anchor=anchor)
        case str():
            return Cron(given, tz=tz, day_rule="all")
        case {"every": int() | float() as every, **rest}:
            return _every(every, str(rest.get("period", "seconds")), anchor)
        case {"event": str() as event, "latitude": latitude, "longitude": longitude}:
            return Solar(event, float(latitude), float(longitude))
        case Mapping() if given and given.keys() <= {*CRON_PARTS, "timezone"}:
            parts = {name: str(given.get(name, "*")) for name in CRON_PARTS}
            return _cron(parts, tz=str(given.get("timezone") or tz))
    return None


def _every(every: float, period: str, anchor: datetime) -> Every:
    units = ("days", "hours", "minutes", "seconds")
    if period not in units:
        raise InvalidInput("period", period, f"one of {', '.join(units)}")
    return Every(timedelta(**{period: every}), anchor=anchor)


def _cron(parts: Mapping[str, str], *, tz: str) -> Cron:
    return Cron(
        " ".join(parts[name].replace(" ", "") for name in CRON_PARTS), tz=tz, day_rule="all"
    )


def _zone_of(crontab: Any) -> str | None:
    """Return the zone of django-celery-beat's crontab, which has one of its own."""
    zone = getattr(crontab, "__dict__", {}).get("tz")
    return str(zone) if zone is not None else None


def _values(entry: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {
        "args": list(entry.get("args") or ()),
        "kwargs": dict(entry.get("kwargs") or {}),
    }
    options = dict(entry.get("options") or {})
    remarks = []
    if queue := options.pop("queue", None):
        values["queue"] = str(queue)
    if isinstance(options.get("priority"), int):
        values["priority"] = 5 - options.pop("priority")
    expires = options.pop("expires", None)
    if isinstance(expires, int | float):
        values["misfire_grace"] = timedelta(seconds=expires)
    elif expires is not None:
        options["expires"] = expires
    if options:
        remarks.append(f"options left behind: {', '.join(sorted(map(str, options)))}")
    unknown = set(entry) - KNOWN
    if unknown:
        remarks.append(f"fields left behind: {', '.join(sorted(map(str, unknown)))}")
    if entry.get("relative"):
        remarks.append("relative was left behind: intervals count from the import")
    return values, remarks
