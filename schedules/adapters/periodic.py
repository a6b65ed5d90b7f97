"""A django-celery-beat row read as what is to be in force, or as the reason why it cannot be; and
written.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import CharField, Model
from django.db.models.functions import Cast
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from schedules.adapters.ignored import ignored_in
from schedules.adapters.unreadable import DATES, refuse_unreadable
from schedules.conf import options
from schedules.errors import InvalidInput
from schedules.models import Calendar, Job
from schedules.querysets.statements import prepared_cursor, row_of
from schedules.registry import check_arguments, find
from schedules.states import JobType
from schedules.timing import (
    At,
    Cron,
    DayOff,
    DayRule,
    Days,
    Every,
    Solar,
    Timetable,
    in_force,
    smallest_gap,
    to_spec,
)

NEVER = {"minute": "0", "hour": "0", "day_of_month": "31", "month_of_year": "2", "day_of_week": "*"}
"""The crontab a PeriodicTask points at when its expression is one that Celery would read
differently.
"""

_CRONTAB = (
    f"SELECT {', '.join(NEVER)}, CAST(timezone AS varchar)"  # noqa: S608 - names of ours
    f" FROM {CrontabSchedule._meta.db_table} WHERE id = %s"
)

IN_FORCE = (
    "task",
    "args",
    "kwargs",
    "queue",
    "priority",
    "expire_seconds",
    "enabled",
    "one_off",
    "start_time",
    "expires",
    "interval_id",
    "crontab_id",
    "clocked_id",
    "solar_id",
)
"""Columns of a periodic task that decide what its job plans, and that we write."""

UNLOADED = (*DATES, "priority", "expire_seconds")
"""Columns to load a periodic task without, to write it: a broken one stays, unless it is set."""

LOWEST_PRIORITY = 255
MOST_SECONDS = 2_147_483_647
"""What the stock tables hold in every database."""

A_ROW = "the number of a row that exists"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a periodic task says: what is to be in force, or why it is invalid."""

    task: str = ""
    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)
    job_type: str = ""
    timetable: dict[str, Any] | None = None
    enabled: bool = False
    one_off: bool = False
    queue: str = ""
    policy: dict[str, Any] = field(default_factory=dict)
    """Of a valid one: each field of the job's policy that it may give, None where it does not."""
    anchor: datetime | None = None
    invalid_reason: str = ""
    ignored: Sequence[str] = ()
    """One sentence for each column that is filled in vain."""


def read(
    periodic_task_id: int, *, job: Job, since: datetime, is_ours: bool = False
) -> Reading | None:
    """Read the row, with what `job` adds to it; None if it is gone.

    `since` becomes the anchor of a new interval. Never raises for what the row holds: a row that
    makes no sense, also one that only SQL could have written, is a Reading with `invalid_reason`.
    A row that `is_ours`, just written whole, can be loaded for certain.
    """
    try:
        if not is_ours:
            refuse_unreadable(PeriodicTask, periodic_task_id)
        periodic_task = row_of(PeriodicTask, "id", periodic_task_id)
        if periodic_task is None:
            return None
        reading = _read(periodic_task, job, since)
        return replace(reading, ignored=ignored_in(periodic_task))
    except (DatabaseError, InterfaceError):
        raise  # tells nothing about the row
    except Exception as error:  # noqa: BLE001 - its job says so, and all others go on
        reason = "; ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        return Reading(
            task=job.task,
            enabled=_is_enabled(periodic_task_id),
            invalid_reason=reason or type(error).__name__,
        )


def _is_enabled(periodic_task_id: int) -> bool:
    # SQLite could hold any text there; only a plain "no" is one.
    rows = PeriodicTask.objects.annotate(said=Cast("enabled", CharField()))
    return not rows.filter(pk=periodic_task_id, said__in=["0", "false"]).exists()


def _read(periodic_task: PeriodicTask, job: Job, since: datetime) -> Reading:
    try:
        args, kwargs = _arguments(periodic_task)
        check_task(periodic_task.task)
        check_job_arguments(periodic_task.task, args, kwargs)
        job_type, timetable, anchor = _timetable(periodic_task, job, since)
        calendar = job.calendar
        timetable = in_force(
            timetable,
            days=None if calendar is None else days_of(calendar),
            day_off=cast("DayOff", job.day_off),
            tz="UTC" if calendar is None else calendar.timezone,
            starts_at=periodic_task.start_time,
            ends_at=periodic_task.expires,
        )
        check_jitter(job.jitter, timetable)
        policy = _policy(periodic_task)
        spec = to_spec(timetable)
    except InvalidInput as error:
        return Reading(
            task=periodic_task.task, enabled=periodic_task.enabled, invalid_reason=str(error)
        )
    return Reading(
        task=periodic_task.task,
        args=args,
        kwargs=kwargs,
        job_type=job_type,
        timetable=spec,
        enabled=periodic_task.enabled,
        one_off=periodic_task.one_off or job_type == JobType.CLOCKED,
        queue=periodic_task.queue or "",
        policy=policy,
        anchor=anchor,
    )


def write(periodic_task: PeriodicTask, *, now: datetime) -> None:
    """Save the row: a new one whole, of another the columns in IN_FORCE."""
    if periodic_task.pk is None:
        periodic_task.save()
        return
    # Not `save`, which loads the schedules, and so fails for what SQL has broken there.
    rows = PeriodicTask.objects.filter(pk=periodic_task.pk)
    rows.update(**columns_of(periodic_task), date_changed=now)


def columns_of(periodic_task: PeriodicTask) -> dict[str, Any]:
    """Return the columns in IN_FORCE, but for those that were neither loaded nor set."""
    unknown = periodic_task.get_deferred_fields()
    return {name: getattr(periodic_task, name) for name in IN_FORCE if name not in unknown}


def check_task(task: str) -> None:
    """Raise InvalidInput unless the task is declared, or allowed by SCHEDULES["allowed_tasks"]."""
    if find(task) is not None:
        return
    if any(fnmatchcase(task, pattern) for pattern in options().allowed_tasks):
        return
    raise InvalidInput(
        "task",
        task,
        "the Celery name of a function declared with @job (or allowed by SCHEDULES)",
    )


def days_of(calendar: Calendar) -> Days:
    """Return the calendar's days as a value. Raises InvalidTimetable for what makes no sense."""
    for name, value in (("dates", calendar.dates), ("weekdays", calendar.weekdays)):
        if not isinstance(value, list):
            raise InvalidInput(name, value, "a list")
    only = calendar.is_allow_list
    return Days(calendar.name, tuple(calendar.dates), tuple(calendar.weekdays), only)


def check_jitter(jitter: timedelta, timetable: Timetable) -> None:
    """Raise InvalidInput unless an occurrence starts before the next one, whatever its jitter."""
    gap = smallest_gap(timetable)
    if jitter and gap is not None and jitter >= gap:
        accepted = f"shorter than the least time between two occurrences, {gap}"
        raise InvalidInput("jitter", str(jitter), accepted)


def check_job_arguments(task: str, args: list[Any], kwargs: dict[str, Any]) -> None:
    """Raise InvalidInput unless a declared task takes the arguments; of others nothing is known."""
    declaration = find(task)
    if declaration is not None:
        check_arguments(declaration, args, kwargs)


def _arguments(periodic_task: PeriodicTask) -> tuple[list[Any], dict[str, Any]]:
    args = _json("args", periodic_task.args or "[]", list, "a JSON list")
    kwargs = _json("kwargs", periodic_task.kwargs or "{}", dict, "a JSON object")
    return args, kwargs


def _json(name: str, text: str, kind: type, accepted: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        raise InvalidInput(name, text, accepted) from None
    if not isinstance(value, kind):
        raise InvalidInput(name, text, accepted)
    return value


def _policy(periodic_task: PeriodicTask) -> dict[str, Any]:
    priority, seconds = periodic_task.priority, periodic_task.expire_seconds
    if priority is not None and not 0 <= priority <= LOWEST_PRIORITY:
        raise InvalidInput("priority", priority, f"0 (first) to {LOWEST_PRIORITY}")
    if seconds is not None and not 0 <= seconds <= MOST_SECONDS:
        raise InvalidInput("expire_seconds", seconds, f"0 to {MOST_SECONDS}")
    return {
        # A message's priority counts from 0 (first), a job's rises.
        "priority": None if priority is None else 5 - priority,
        # None and 0 both mean "never", as for the stock Beat.
        "misfire_grace": timedelta(seconds=seconds) if seconds else None,
    }


def _timetable(
    periodic_task: PeriodicTask, job: Job, since: datetime
) -> tuple[str, Timetable, datetime | None]:
    if periodic_task.crontab_id:
        return JobType.CRON, _cron(periodic_task.crontab_id, job), None
    if periodic_task.interval_id:
        interval = _row(IntervalSchedule, "interval_id", periodic_task.interval_id)
        anchor = periodic_task.start_time or job.interval_anchor or since.replace(microsecond=0)
        if interval.period not in dict(IntervalSchedule.PERIOD_CHOICES):
            periods = ", ".join(dict(IntervalSchedule.PERIOD_CHOICES))
            raise InvalidInput("period", interval.period, f"one of {periods}")
        length = timedelta(**{interval.period: interval.every})
        return JobType.INTERVAL, Every(length, anchor=anchor), anchor
    if periodic_task.clocked_id:
        clocked = _row(ClockedSchedule, "clocked_id", periodic_task.clocked_id)
        return JobType.CLOCKED, At(clocked.clocked_time), None
    if periodic_task.solar_id:
        solar = _row(SolarSchedule, "solar_id", periodic_task.solar_id)
        place = float(solar.latitude), float(solar.longitude)
        return JobType.SOLAR, Solar(solar.event, *place), None
    raise InvalidInput("schedule", "none", "an interval, a crontab, a solar event or one date")


def _row(model: type[Model], column: str, pk: int) -> Any:
    refuse_unreadable(model, pk)
    row = model._default_manager.filter(pk=pk).first()
    if row is None:
        raise InvalidInput(column, pk, A_ROW)
    return row


def _cron(crontab_id: int, job: Job) -> Cron:
    with prepared_cursor(connection) as cursor:
        # Not an object, because the zone's field refuses to load a name that it does not know.
        cursor.execute(_CRONTAB, [crontab_id])
        found = cursor.fetchone()
    if found is None:
        raise InvalidInput("crontab_id", crontab_id, A_ROW)
    *texts, zone = found
    row = dict(zip(NEVER, texts, strict=True))
    if row == NEVER and job.cron_text:
        expression = job.cron_text
    else:
        expression = " ".join(row[name].replace(" ", "") for name in NEVER)
    return Cron(expression, tz=zone, day_rule=cast("DayRule", job.day_rule))
