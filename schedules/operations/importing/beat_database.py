"""The tables of a django-celery-beat that runs without us, in another database."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from schedules.errors import InvalidInput
from schedules.operations.importing.found import Found, NotCarried, Unreadable, Wanted
from schedules.operations.importing.stores import Store
from schedules.timing import At, Cron, Every, Solar, Timetable

PREFIX = "django_celery_beat_"
KINDS = {
    "crontab_id": "crontabschedule",
    "interval_id": "intervalschedule",
    "clocked_id": "clockedschedule",
    "solar_id": "solarschedule",
}
CRON_PARTS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
LEFT_BEHIND = ("exchange", "routing_key")


def read_beat_database(source: str, *, now: datetime) -> list[Found]:
    """Return the periodic tasks of the database, by name. `source` as `Store` takes it.

    Intervals without a start begin at `now`. Raises InvalidInput for a source that cannot be read
    or holds no such tables.
    """
    store = Store(source)
    if f"{PREFIX}periodictask" not in store.tables():
        accepted = f"a database with the table {PREFIX}periodictask"
        raise InvalidInput("source", source.rpartition("@")[2], accepted)
    schedules = {
        column: {row["id"]: row for row in store.rows(f"{PREFIX}{table}")}
        for column, table in KINDS.items()
    }
    return [_found(row, schedules, now) for row in store.rows(f"{PREFIX}periodictask")]


def _found(row: Mapping[str, Any], schedules: Mapping[str, Any], now: datetime) -> Found:
    name, task = str(row["name"]), str(row["task"])
    try:
        timetable = _timetable(row, schedules, now)
        values, remarks = _values(row)
    except (NotCarried, InvalidInput) as reason:
        return Unreadable(name=name, task=task, reason=str(reason))
    except (ValueError, TypeError, OverflowError, KeyError) as error:
        return Unreadable(name=name, task=task, reason=f"its row is damaged: {error}")
    return Wanted(name=name, task=task, timetable=timetable, values=values, remarks=remarks)


def _timetable(row: Mapping[str, Any], schedules: Mapping[str, Any], now: datetime) -> Timetable:
    start = _instant(row["start_time"]) or now.replace(microsecond=0)
    for column, read in _READERS.items():
        schedule = schedules[column].get(row[column])
        if schedule is not None:
            return read(schedule, start)
    raise NotCarried("it has no schedule")


def _cron(row: Mapping[str, Any], start: datetime) -> Timetable:
    expression = " ".join(str(row[name]).replace(" ", "") for name in CRON_PARTS)
    return Cron(expression, tz=str(row["timezone"]), day_rule="all")


def _every(row: Mapping[str, Any], start: datetime) -> Timetable:
    units = ("days", "hours", "minutes", "seconds", "microseconds")
    if row["period"] not in units:
        raise NotCarried(f"its period is {row['period']!r}")
    return Every(timedelta(**{row["period"]: row["every"]}), anchor=start)


def _at(row: Mapping[str, Any], start: datetime) -> Timetable:
    instant = _instant(row["clocked_time"])
    if instant is None:
        raise NotCarried("it has no date")
    return At(instant)


def _solar(row: Mapping[str, Any], start: datetime) -> Timetable:
    return Solar(str(row["event"]), float(row["latitude"]), float(row["longitude"]))


_READERS: dict[str, Callable[[Mapping[str, Any], datetime], Timetable]] = {
    "crontab_id": _cron,
    "interval_id": _every,
    "clocked_id": _at,
    "solar_id": _solar,
}


def _values(row: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    values: dict[str, Any] = {
        "args": json.loads(row["args"] or "[]"),
        "kwargs": json.loads(row["kwargs"] or "{}"),
        "enabled": bool(row["enabled"]),
        "one_off": bool(row["one_off"]),
        "queue": row["queue"] or "",
        "description_en": row["description"] or "",
        "ends_at": _instant(row["expires"]),
        "starts_at": None if row["interval_id"] else _instant(row["start_time"]),
    }
    if not isinstance(values["args"], list) or not isinstance(values["kwargs"], dict):
        raise NotCarried("its arguments are no JSON list and JSON object")
    if row["priority"] is not None:
        values["priority"] = 5 - int(row["priority"])
    if row["expire_seconds"]:
        values["misfire_grace"] = timedelta(seconds=row["expire_seconds"])
    left = [name for name in LEFT_BEHIND if row[name] not in (None, "")]
    if row["headers"] not in (None, "", "{}"):
        left.append("headers")
    return values, (f"left behind: {', '.join(left)}",) if left else ()


def _instant(value: Any) -> datetime | None:
    """Return a column's instant: SQLite gives Django's text, which is in UTC."""
    if value in (None, ""):
        return None
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
