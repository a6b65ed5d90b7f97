"""APScheduler's job stores: the table of its SQLAlchemy store, or of django-apscheduler."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from schedules.errors import InvalidInput
from schedules.operations.importing.apscheduler_cron import cron_expression, seconds_between
from schedules.operations.importing.found import Found, NotCarried, Unreadable, Wanted
from schedules.operations.importing.pickles import read_pickles
from schedules.operations.importing.states import OBJECT, instant, json_value, length, zone_name
from schedules.operations.importing.stores import Store
from schedules.timing import At, Cron, Every, Timetable

TABLES = ("apscheduler_jobs", "django_apscheduler_djangojob")
MOST_INSTANCES = 10

DEFAULT_GRACE = 1
"""Seconds; what APScheduler takes where nobody says anything."""

LEAST_GRACE = 60
"""Seconds. A run here goes through a database and a broker, which a grace of a second forbids."""

BROKEN = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError)
"""What a state that APScheduler did not write leads to."""


def read_store(source: str, *, table: str | None = None) -> list[Found]:
    """Return what a job store holds, by the id of each job.

    `source` as `Store` takes it; without a `table` the usual two are looked for. Raises
    InvalidInput for a source that cannot be read or has no such table.
    """
    store = Store(source)
    names = [table] if table else sorted(store.tables() & set(TABLES))
    if not names:
        accepted = f"a database with the table {' or '.join(TABLES)}, or give --table"
        raise InvalidInput("source", source.rpartition("@")[2], accepted)
    rows = [row for name in names for row in store.rows(name, ("id", "job_state"))]
    states = read_pickles([_pickle(row["job_state"]) for row in rows])
    return [_found(str(row["id"]), state) for row, state in zip(rows, states, strict=True)]


def _pickle(column: Any) -> bytes:
    # Anything else in that column is no pickle, as an empty text is none.
    return bytes(column) if isinstance(column, bytes | memoryview) else b""


def _found(name: str, answer: Mapping[str, Any]) -> Found:
    if "error" in answer:
        return Unreadable(name=name, reason=f"its pickle was not read: {answer['error']}")
    state = answer["state"]
    task = state.get("func") if isinstance(state, Mapping) else None
    task = task if isinstance(task, str) else ""
    try:
        return _wanted(name, task, state)
    except (NotCarried, InvalidInput) as refusal:
        return Unreadable(name=name, task=task, reason=str(refusal))
    except BROKEN as error:
        reason = f"its state is not one of APScheduler 3 ({type(error).__name__})"
        return Unreadable(name=name, task=task, reason=reason)


def _wanted(name: str, task: str, state: Mapping[str, Any]) -> Wanted:
    trigger = state["trigger"]
    kind, said = trigger[OBJECT], trigger["state"]
    if kind not in _TRIGGERS:
        raise NotCarried(f"its trigger is {kind}: make a job for each of its timetables by hand")
    remarks: list[str] = []
    values: dict[str, Any] = {
        "args": json_value(state["args"]),
        "kwargs": json_value(state["kwargs"]),
        "coalesce": bool(state["coalesce"]),
        "max_instances": state["max_instances"],
        "name_en": "" if state["name"] == task.rpartition(":")[2] else str(state["name"])[:255],
    }
    _take_grace(state["misfire_grace_time"], kind, values, remarks)
    if kind != "DateTrigger":
        values |= {
            "starts_at": instant(said["start_date"]) if kind == "CronTrigger" else None,
            "ends_at": instant(said["end_date"]),
        }
    if said.get("jitter"):
        values["jitter"] = timedelta(seconds=said["jitter"])
        remarks.append(f"jitter of {said['jitter']} s only delays here; there it also hastened")
    if values["max_instances"] < 1:
        raise NotCarried(f"its max_instances is {values['max_instances']}, so it never ran")
    if values["max_instances"] > MOST_INSTANCES:
        remarks.append(f"max_instances {values['max_instances']} became {MOST_INSTANCES}")
        values["max_instances"] = MOST_INSTANCES
    if state["next_run_time"] is None:
        values["enabled"] = False
        remarks.append("it was paused, so it comes disabled")
    if state["executor"] != "default":
        remarks.append(f"executor {state['executor']!r} was left behind; set a queue if it matters")
    return Wanted(
        name=name,
        task=task,
        timetable=_TRIGGERS[kind](said),
        values=values,
        remarks=tuple(remarks),
    )


def _cron(said: Mapping[str, Any]) -> Timetable:
    fields = {f["state"]["name"]: f["state"]["expressions"] for f in said["fields"]}
    every = seconds_between(fields)
    if every is not None:
        return Every(timedelta(seconds=every))
    return Cron(cron_expression(fields), tz=zone_name(said["timezone"]), day_rule="all")


def _interval(said: Mapping[str, Any]) -> Timetable:
    interval = length(said["interval"])
    if interval % timedelta(seconds=1):
        raise NotCarried(f"its interval {interval} is no whole number of seconds")
    anchor = instant(said["start_date"])
    if anchor is None:
        raise NotCarried("its interval has no start")
    return Every(interval, anchor=anchor)


def _date(said: Mapping[str, Any]) -> Timetable:
    moment = instant(said["run_date"])
    if moment is None:
        raise NotCarried("it has no date")
    return At(moment)


def _take_grace(grace: Any, kind: str, values: dict[str, Any], remarks: list[str]) -> None:
    """Take the misfire grace; a date whose grace nobody chose may run however late."""
    if grace is None or (kind == "DateTrigger" and grace == DEFAULT_GRACE):
        values["misfire_grace"] = None
    elif grace < LEAST_GRACE:
        values["misfire_grace"] = timedelta(seconds=LEAST_GRACE)
        if grace != DEFAULT_GRACE:
            remarks.append(f"misfire_grace_time {grace} became {LEAST_GRACE}, the least here")
    else:
        values["misfire_grace"] = timedelta(seconds=grace)


_TRIGGERS: dict[str, Callable[[Mapping[str, Any]], Timetable]] = {
    "CronTrigger": _cron,
    "DateTrigger": _date,
    "IntervalTrigger": _interval,
}
