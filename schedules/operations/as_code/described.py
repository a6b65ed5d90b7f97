"""A job as a file describes it: the same JSON values from its row and from its entry in a file.

A description has every field, so two of them are compared as they are. In a file a field is left
out where it has its default: what the task declares, or what a new job has.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from schedules.models import Job
from schedules.operations.as_code.entry import JobEntry
from schedules.operations.calendars import calendar_named
from schedules.operations.timetables import UNITS
from schedules.operations.wording import NEVER_FIRES
from schedules.registry import Declaration, all_declared, find, texts_of
from schedules.timing.every import LEAST as LEAST_INTERVAL
from schedules.timing.instants import read_utc, utc_text

Described = dict[str, Any]

TEXTS = {
    f"{field}{code.title()}": f"{field}_{code}"
    for field in ("name", "description")
    for code in ("en", "ar", "id")
}
PLAIN = {
    "args": "args",
    "kwargs": "kwargs",
    "priority": "priority",
    "queue": "queue",
    "maxInstances": "max_instances",
    "overlap": "overlap",
    "coalesce": "coalesce",
    "maxRetries": "max_retries",
    "onLost": "on_lost",
    "exclusive": "exclusive",
    "isPrimary": "is_primary",
    "checks": "checks",
}
LENGTHS = {
    "misfireGraceTime": "misfire_grace",
    "jitterSeconds": "jitter",
    "timeLimitSeconds": "time_limit",
    "softTimeLimitSeconds": "soft_time_limit",
    "retryDelaySeconds": "retry_delay",
    "retentionSeconds": "retention",
}
"""Fields of a file in seconds, and the column."""

OF_THE_TASK = (
    ("queue", "queue"),
    ("maxRetries", "max_retries"),
    ("onLost", "on_lost"),
    ("exclusive", "exclusive"),
    ("timeLimitSeconds", "time_limit"),
    ("softTimeLimitSeconds", "soft_time_limit"),
    ("retryDelaySeconds", "retry_delay"),
)
"""What each job of a declared task has from its task."""

COLUMNS = {**TEXTS, **PLAIN, **LENGTHS}
BESIDE = ("startsAt", "endsAt", "calendar", "dayOff", "oneOff")
"""What else decides about a job's occurrences, beside its timetable."""

FIELDS = ("task", "timetable", *BESIDE, "after", "isEnabled", *COLUMNS)

HOWEVER_LATE = -1
"""What `misfireGraceTime` says for "however late"."""

_USUAL: Described = {
    "task": "",
    "timetable": {},
    "startsAt": None,
    "endsAt": None,
    "calendar": None,
    "dayOff": "skip",
    "oneOff": False,
    "after": [],
    "isEnabled": True,
    **dict.fromkeys(TEXTS, ""),
    "args": [],
    "kwargs": {},
    "priority": 0,
    "queue": "",
    "maxInstances": 1,
    "overlap": "skip",
    "coalesce": True,
    "maxRetries": 0,
    "onLost": "fail",
    "exclusive": False,
    "isPrimary": False,
    "checks": [],
    "misfireGraceTime": 60,
    "jitterSeconds": 0,
    "timeLimitSeconds": None,
    "softTimeLimitSeconds": None,
    "retryDelaySeconds": 60,
    "retentionSeconds": None,
}


def describe(job: Job, *, after: Iterable[tuple[str, str]] = ()) -> Described:
    """Return the description of a job that has a timetable in force. `after` are the keys of the
    jobs that it runs after, each with the outcome.
    """
    spec: Mapping[str, Any] = job.timetable or {}
    bounds: Mapping[str, Any] = {}
    while "of" in spec:  # what was entered is innermost
        bounds = spec if spec["type"] == "window" else bounds
        spec = spec["of"]
    declaration = find(job.task)
    return {
        "task": job.task if declaration is None else declaration.key,
        "timetable": _timetable(job, spec),
        "startsAt": bounds.get("starts_at"),
        "endsAt": bounds.get("ends_at"),
        "calendar": None if job.calendar is None else job.calendar.name,
        "dayOff": str(job.day_off),
        "oneOff": job.one_off and spec.get("type") != "at",
        "after": [{"job": key, "when": when} for key, when in sorted(after)],
        "isEnabled": job.is_enabled,
        **{name: getattr(job, column) for name, column in TEXTS.items()},
        **{name: getattr(job, column) for name, column in PLAIN.items()},
        "checks": job.checks or [],
        **{name: _value(name, getattr(job, column)) for name, column in LENGTHS.items()},
    }


class Tasks:
    """What the tasks of this code declare, by the words of a file. Made anew for each file."""

    def __init__(self) -> None:
        self._declared = {declaration.key: declaration for declaration in all_declared()}
        self._defaults: dict[tuple[str, bool], Described] = {}

    def find(self, task: str) -> Declaration | None:
        """Return the declaration that a file's `task` names; None for an undeclared one."""
        return self._declared.get(task) or find(task)

    def defaults(self, key: str, task: str) -> Described:
        """Return what a job with this key has where a file says nothing."""
        declaration = self.find(task)
        is_its_own = declaration is not None and declaration.key == key
        place = (task, is_its_own)
        if place not in self._defaults:
            self._defaults[place] = _defaults_of(declaration, is_its_own=is_its_own)
        return self._defaults[place]


def described_by(key: str, entry: JobEntry, tasks: Tasks) -> Described:
    """Return the description that a file's entry means. Raises InvalidInput about its instants."""
    given = entry.given()
    timetable = _entered(given)
    declaration = tasks.find(entry.task)
    described = {
        **tasks.defaults(key, entry.task),
        "task": entry.task if declaration is None else declaration.key,
        "timetable": timetable,
    }
    if "runAt" in timetable:
        described["misfireGraceTime"] = HOWEVER_LATE
    as_they_stand = given.keys() & {*COLUMNS, "isEnabled", "oneOff", "calendar", "dayOff"}
    described |= {name: given[name] for name in as_they_stand}
    for name in ("startsAt", "endsAt"):
        if given.get(name) is not None:
            described[name] = utc_text(read_utc(given[name], field=name))
    described["after"] = sorted(
        ({"job": one.job, "when": one.when} for one in entry.after or ()),
        key=lambda one: (one["job"], one["when"]),
    )
    return described


def as_entry(key: str, described: Described, tasks: Tasks) -> dict[str, Any]:
    """Return what a file has to say of the job: all that is not its default."""
    usual = tasks.defaults(key, described["task"])
    if "runAt" in described["timetable"]:
        usual = {**usual, "misfireGraceTime": HOWEVER_LATE}
    entry: dict[str, Any] = {"task": described["task"], **described["timetable"]}
    if entry.get("dayRule") == "any":
        del entry["dayRule"]
    rest = FIELDS[2:]
    return entry | {name: described[name] for name in rest if described[name] != usual[name]}


def as_changes(described: Described, names: Iterable[str]) -> dict[str, Any]:
    """Return the named fields as `update_job` and `create_job` take them; not `task`, `after`.

    Raises InvalidInput for a calendar that does not exist.
    """
    changes: dict[str, Any] = {}
    for name in names:
        value = described[name]
        if name in LENGTHS:
            changes[LENGTHS[name]] = _length(name, value)
        elif name in COLUMNS:
            changes[COLUMNS[name]] = value
        elif name in ("startsAt", "endsAt"):
            instant = None if value is None else read_utc(value, field=name)
            changes["starts_at" if name == "startsAt" else "ends_at"] = instant
        elif name == "timetable":
            changes |= _as_entered(value)
        elif name == "isEnabled":
            changes["enabled"] = value
        elif name == "oneOff":
            changes["one_off"] = value
        elif name == "dayOff":
            changes["day_off"] = value
        elif name == "calendar":
            changes["calendar"] = calendar_named(value)
    return changes


_CRON = {"cronExpression": "cron_expression", "timezone": "timezone", "dayRule": "day_rule"}
_SOLAR = {"solarEvent": "solar_event", "latitude": "latitude", "longitude": "longitude"}
_INTERVAL = {f"interval{unit.title()}": f"interval_{unit}" for unit in UNITS}


def _timetable(job: Job, spec: Mapping[str, Any]) -> dict[str, Any]:
    match spec.get("type"):
        case "cron" if spec["expression"] != NEVER_FIRES:
            return {
                "cronExpression": spec["expression"],
                "timezone": spec["tz"],
                "dayRule": spec["day_rule"],
            }
        case "every":
            length = timedelta(microseconds=spec["microseconds"])
            parts = job.interval_parts or {}
            if not parts or timedelta(**parts) != length:
                parts = {"seconds": length // LEAST_INTERVAL}
            return {f"interval{unit.title()}": parts[unit] for unit in UNITS if parts.get(unit)}
        case "at":
            return {"runAt": spec["instant"]}
        case "solar":
            return {name: spec[field.removeprefix("solar_")] for name, field in _SOLAR.items()}
    return {}


def _entered(given: Mapping[str, Any]) -> dict[str, Any]:
    timetable = {
        name: given[name]
        for name in (*_CRON, *_SOLAR, *_INTERVAL)
        if given.get(name) is not None and not (name in _INTERVAL and given[name] == 0)
    }
    if given.get("runAt") is not None:
        timetable["runAt"] = utc_text(read_utc(given["runAt"], field="runAt"))
    if "cronExpression" in timetable:
        return {"timezone": "UTC", "dayRule": "any", **timetable}
    return timetable


def _as_entered(timetable: Mapping[str, Any]) -> dict[str, Any]:
    names = {**_CRON, **_SOLAR, **_INTERVAL}
    entered = {field: timetable[name] for name, field in names.items() if name in timetable}
    if "runAt" in timetable:
        entered["run_at"] = read_utc(timetable["runAt"], field="runAt")
    # Parts that are not named any more are no longer meant.
    if any(name in timetable for name in _INTERVAL):
        entered = {**dict.fromkeys(_INTERVAL.values()), **entered}
    return entered


def _defaults_of(declaration: Declaration | None, *, is_its_own: bool) -> Described:
    if declaration is None:
        return _USUAL
    names = COLUMNS.items() if is_its_own else OF_THE_TASK
    found = {
        name: _value(name, getattr(declaration, column))
        for name, column in names
        if hasattr(declaration, column)
    }
    found["checks"] = texts_of(declaration.checks) or []
    if is_its_own:
        found["isEnabled"] = declaration.enabled
        for code in ("en", "ar", "id"):
            found[f"name{code.title()}"] = declaration.names.get(code, "")
            found[f"description{code.title()}"] = declaration.descriptions.get(code, "")
    return {**_USUAL, **found}


def _value(name: str, value: Any) -> Any:
    """Return the value of a column, or of a declaration, as JSON."""
    if name not in LENGTHS:
        return str(value) if isinstance(value, str) else value
    if value is None:
        return HOWEVER_LATE if name == "misfireGraceTime" else None
    seconds: float = value.total_seconds()
    return int(seconds) if seconds.is_integer() else seconds


def _length(name: str, seconds: float | None) -> timedelta | None:
    if seconds is None or (name == "misfireGraceTime" and seconds < 0):
        return None
    return timedelta(seconds=seconds)
