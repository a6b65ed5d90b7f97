"""A program that reads APScheduler's pickles and writes what they say as JSON. Trusts none of them.

It is started by `pickles` as a process of its own, with an empty environment and no site packages,
and imports nothing but the standard library. A pickle may name the classes in `KNOWN` and no other;
of APScheduler's own classes it gets stand-ins that only keep their state. Each line of stdin is one
pickle in base64, each line of stdout its answer.
"""

import base64
import io
import json
import os
import pickle
import resource
import sys
import uuid
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

CPU_SECONDS = 3
MEMORY_BYTES = 512 * 1024 * 1024
MOST_VALUES = 20_000
DEEPEST = 40
NOBODY = 65534
OBJECT = "__object__"
"""The key of an encoded object that JSON has no word for."""


class Held:
    """Stands in for a class of APScheduler: has its name, and keeps the state it is given."""

    state: Any = None

    def __setstate__(self, state: Any) -> None:
        # A class with slots gives two dicts, of which the first is empty.
        self.state = state[1] if isinstance(state, tuple) and len(state) == 2 else state


class Zone(tzinfo):
    """A time zone by name. Where its data lies is not known here: instants are resolved later."""

    def __init__(self, name: Any = None, offset: Any = None) -> None:
        self.name = name if isinstance(name, str) else None
        self.offset = offset if isinstance(offset, timedelta) else None

    def __reduce__(self) -> Any:
        """Say that it is not to be pickled again."""
        raise TypeError("not pickled here")

    def utcoffset(self, when: datetime | None) -> timedelta | None:
        """Return the fixed offset, where the pickle has one."""
        return self.offset

    def tzname(self, when: datetime | None) -> str | None:
        """Return the zone's name."""
        return self.name

    def dst(self, when: datetime | None) -> timedelta | None:
        """Return None: it is not known here."""
        return None


def _zone_by_key(key: Any, *_: Any) -> Zone:
    return Zone(key)


def _pytz_zone(key: Any, offset: Any = None, *_: Any) -> Zone:
    return Zone(key, timedelta(seconds=offset) if isinstance(offset, int) else None)


def _utc(*_: Any) -> Zone:
    return Zone("UTC", timedelta(0))


def _fixed(offset: Any, name: Any = None) -> Zone:
    return Zone("UTC" if offset == timedelta(0) else None, offset)


def _fixed_minutes(minutes: Any) -> Zone:
    return Zone(None, timedelta(minutes=minutes))


def _shim_zone(zone: Any, key: Any = None) -> Any:
    return zone if key is None else Zone(key)


class ZoneClass:
    """Stands in for `zoneinfo.ZoneInfo`, whose pickles ask it for one of its methods."""


def _attribute(owner: Any, name: Any) -> Callable[..., Any]:
    if owner is ZoneClass and name == "_unpickle":
        return _zone_by_key
    raise pickle.UnpicklingError(f"it asks for the attribute {name!r}")


def _stand_in(name: str) -> type:
    return type(name, (Held,), {})


_TRIGGERS = "apscheduler.triggers"
KNOWN: dict[str, Any] = {
    "builtins.getattr": _attribute,
    "datetime.date": date,
    "datetime.datetime": datetime,
    "datetime.time": time,
    "datetime.timedelta": timedelta,
    "datetime.timezone": _fixed,
    "uuid.UUID": uuid.UUID,
    "zoneinfo.ZoneInfo": ZoneClass,
    "zoneinfo.ZoneInfo._unpickle": _zone_by_key,
    "backports.zoneinfo.ZoneInfo": ZoneClass,
    "pytz._p": _pytz_zone,
    "pytz._UTC": _utc,
    "pytz._FixedOffset": _fixed_minutes,
    "pytz_deprecation_shim._impl.wrap_zone": _shim_zone,
    f"{_TRIGGERS}.combining.AndTrigger": _stand_in("AndTrigger"),
    f"{_TRIGGERS}.combining.OrTrigger": _stand_in("OrTrigger"),
    f"{_TRIGGERS}.calendarinterval.CalendarIntervalTrigger": _stand_in("CalendarIntervalTrigger"),
    f"{_TRIGGERS}.cron.CronTrigger": _stand_in("CronTrigger"),
    f"{_TRIGGERS}.date.DateTrigger": _stand_in("DateTrigger"),
    f"{_TRIGGERS}.interval.IntervalTrigger": _stand_in("IntervalTrigger"),
    **{
        f"{_TRIGGERS}.cron.fields.{name}": _stand_in(name)
        for name in ("BaseField", "WeekField", "DayOfMonthField", "DayOfWeekField", "MonthField")
    },
    **{
        f"{_TRIGGERS}.cron.expressions.{name}": _stand_in(name)
        for name in (
            "AllExpression",
            "LastDayOfMonthExpression",
            "MonthRangeExpression",
            "RangeExpression",
            "WeekdayPositionExpression",
            "WeekdayRangeExpression",
        )
    },
}
"""All that a pickle may name."""


class Reader(pickle.Unpickler):
    """Python's unpickler, for which nothing exists but what is in `KNOWN`."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for the class. Raises UnpicklingError for any other."""
        wanted = f"{module}.{name}"
        if wanted not in KNOWN:
            raise pickle.UnpicklingError(f"it names {wanted}, which is not let in")
        return KNOWN[wanted]

    def persistent_load(self, number: Any) -> Any:
        """Refuse: nothing of APScheduler's has one."""
        raise pickle.UnpicklingError("it refers to something outside of it")


class Encoder:
    """Turns what was read into JSON, of bounded size and depth."""

    def __init__(self) -> None:
        self.left = MOST_VALUES

    def encode(self, value: Any, depth: int = 0) -> Any:
        """Return the value for `json`. Raises ValueError for what has no place there."""
        self.left -= 1
        if self.left < 0 or depth > DEEPEST:
            raise ValueError("it holds too much, or is nested too deeply")
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, list | tuple):
            return [self.encode(inner, depth + 1) for inner in value]
        if isinstance(value, dict):
            if OBJECT in value or not all(isinstance(key, str) for key in value):
                raise ValueError("it holds a dict whose keys JSON cannot carry")
            return {key: self.encode(inner, depth + 1) for key, inner in value.items()}
        return self._object(value, depth)

    def _object(self, value: Any, depth: int) -> Any:
        state: Any
        match value:
            case Held():
                state = self.encode(value.state, depth + 1)
            case Zone():
                return {OBJECT: "Zone", "state": value.name}
            case datetime():
                state = {
                    "wall": value.replace(tzinfo=None, fold=0).isoformat(),
                    "fold": value.fold,
                    "zone": value.tzinfo.name if isinstance(value.tzinfo, Zone) else None,
                    "offset": _seconds(value.utcoffset()),
                }
            case timedelta():
                state = value.total_seconds()
            case date() | time() | uuid.UUID():
                return {OBJECT: "text", "state": str(value)}
            case _:
                raise ValueError(f"it holds a {type(value).__name__}, which JSON cannot carry")
        return {OBJECT: type(value).__name__, "state": state}


def answer(line: bytes) -> dict[str, Any]:
    """Return {"state": ...} of the pickle in the line, or {"error": ...} with the reason."""
    try:
        state = Reader(io.BytesIO(base64.b64decode(line))).load()
        return {"state": Encoder().encode(state)}
    except MemoryError:
        return {"error": "it needs too much memory"}
    except RecursionError:
        return {"error": "it is nested too deeply"}
    except Exception as error:  # noqa: BLE001 - a hostile pickle may raise anything at all
        return {"error": str(error) or type(error).__name__}


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()


def confine() -> None:
    """Give up what reading does not need: files, time, memory, and the rights of root."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def main() -> None:
    """Answer each line until there are no more."""
    confine()
    for line in sys.stdin.buffer:
        sys.stdout.write(json.dumps(answer(line)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
