"""Timetables as people enter them: read into values, and written into django-celery-beat's rows."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from celery.schedules import ParseException, crontab
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from schedules.adapters.periodic import NEVER
from schedules.adapters.schedule_rows import schedule_with
from schedules.errors import InvalidInput, Missing
from schedules.models import Job
from schedules.states import JobType
from schedules.timing import At, Cron, Every, Solar, Timetable, core_of, from_spec

UNITS = ("weeks", "days", "hours", "minutes", "seconds")
INTERVAL_FIELDS = tuple(f"interval_{unit}" for unit in UNITS)
CRON_FIELDS = ("timezone", "day_rule")
PLACE = ("latitude", "longitude")
BOUNDS = ("starts_at", "ends_at")
"""Between which a job runs, whatever its timetable; said beside it."""

TIMETABLE_FIELDS = frozenset(
    {"cron_expression", "run_at", "solar_event", *CRON_FIELDS, *PLACE, *INTERVAL_FIELDS}
)
"""The names under which a timetable may be entered."""

LONGEST_INTERVAL = timedelta(days=3660)
"""The stock interval table counts seconds in 32 bits; nobody waits longer than ten years."""

ACCEPTED = (
    "exactly one of an interval (interval_seconds ... interval_weeks), a cron_expression,"
    " a solar_event or run_at"
)


class SeveralKinds(InvalidInput):
    """More than one kind of timetable; `found` are the names of their fields."""


_PERIODS = (("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1))
_CRON_ORDER = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")


class Entered(NamedTuple):
    """A timetable that was entered, and an interval's parts in the units of its entry."""

    timetable: Timetable
    parts: dict[str, int] | None = None


OF_ITS_OWN_NEVER = Entered(timetable=Cron(" ".join(NEVER.values())))
"""For a job that only runs after others."""


def read_entered(given: Mapping[str, Any], *, job: Job | None, now: datetime) -> Entered | None:
    """Return the timetable that `given` asks for; None if it says nothing about it.

    What `given` leaves out is taken from `job`; None clears. Raises InvalidInput for two kinds of
    timetable at once, for none, and for one that never fires after `now`.
    """
    entered = {name: value for name, value in given.items() if name in TIMETABLE_FIELDS}
    if not entered and job is not None:
        return None
    before = _entered_before(job)
    kinds: set[str] = {_kind(name) for name, value in entered.items() if value and _kind(name)}
    if len(kinds) > 1:
        found = ", ".join(sorted(name for name, value in entered.items() if value))
        raise SeveralKinds("cron_expression", found, ACCEPTED)
    if kinds:  # another kind than before replaces it
        before = {name: value for name, value in before.items() if _kind(name) in {*kinds, ""}}
    together = {**before, **entered}
    values = {
        name: value
        for name, value in together.items()
        if value or (name in PLACE and value is not None)  # the equator is a place
    }
    named = [_kind(name) for name in values if _kind(name)]
    if not named:
        raise Missing("cron_expression", f"give {ACCEPTED}", what="A timetable")
    kind = named[0]
    read = _READERS[kind](values, entered, now)
    if read.timetable.next_after(now) is None:
        field, value = _described(kind, values)
        raise InvalidInput(field, value, "a timetable that fires again; this one never does")
    return read


def point_at(periodic_task: PeriodicTask, job: Job, timetable: Timetable) -> None:
    """Say the timetable in django-celery-beat's own rows, as far as they can say it truthfully.

    What Celery would read differently is kept in `job.cron_text`, and the periodic task then points
    at a crontab that never fires. Neither of the two is saved. Raises TypeError for a timetable
    that nobody can enter.
    """
    periodic_task.crontab = periodic_task.interval = None
    periodic_task.clocked = periodic_task.solar = None
    periodic_task.one_off = isinstance(timetable, At)
    job.cron_text, job.interval_parts = "", None
    match timetable:
        case Every():
            seconds = int(timetable.interval.total_seconds())
            period, length = next(unit for unit in _PERIODS if seconds % unit[1] == 0)
            periodic_task.interval = schedule_with(
                IntervalSchedule, every=seconds // length, period=period
            )
            job.job_type = JobType.INTERVAL
            job.interval_anchor = timetable.anchor
        case Cron():
            text = needs_text(timetable)
            fields = NEVER if text else _crontab_fields(timetable)
            periodic_task.crontab = schedule_with(CrontabSchedule, timezone=timetable.tz, **fields)
            job.job_type = JobType.CRON
            job.day_rule = timetable.day_rule
            job.cron_text = timetable.expression if text else ""
        case At():
            periodic_task.clocked = schedule_with(ClockedSchedule, clocked_time=timetable.instant)
            job.job_type = JobType.CLOCKED
        case Solar(event=event, latitude=latitude, longitude=longitude):
            place = {"latitude": latitude, "longitude": longitude}
            periodic_task.solar = schedule_with(SolarSchedule, event=event, **place)
            job.job_type = JobType.SOLAR
        case _:
            raise TypeError(f"{job.task}: a Cron, an Every, an At or a Solar, not {timetable!r}.")


def needs_text(cron: Cron) -> bool:
    """Whether Celery would read the expression differently, so that only our text can say it."""
    fields = cron.expression.split()
    if len(fields) != len(_CRON_ORDER) or any(mark in cron.expression for mark in "L#W?@"):
        return True
    _, _, day_of_month, _, day_of_week = fields
    both_days = not day_of_month.startswith("*") and not day_of_week.startswith("*")
    if (cron.day_rule == "any" and both_days) or "7" in day_of_week:
        return True
    try:
        crontab(**_crontab_fields(cron))
    except (ParseException, ValueError):
        return True
    return any(
        len(text) > CrontabSchedule._meta.get_field(name).max_length
        for name, text in _crontab_fields(cron).items()
    )


def current_timetable(job: Job) -> Timetable | None:
    """Return the job's timetable as it was entered; None where there is none to read."""
    try:
        timetable = from_spec(job.timetable) if job.timetable else None
    except (ValueError, KeyError, TypeError):
        return None
    return None if timetable is None else core_of(timetable)


def parts_of(job: Job, interval: timedelta) -> dict[str, int]:
    """Return the parts in which the interval was entered; seconds where they are not known."""
    parts = dict(job.interval_parts or {})
    if parts and timedelta(**parts) == interval:
        return parts
    return {"seconds": int(interval.total_seconds())}  # edited elsewhere since


def _crontab_fields(cron: Cron) -> dict[str, str]:
    return dict(zip(_CRON_ORDER, cron.expression.split(), strict=True))


def _kind(name: str) -> str:
    if name in INTERVAL_FIELDS:
        return "interval"
    kinds = {"cron_expression": "cron", "run_at": "run_at", "solar_event": "solar"}
    return kinds.get(name, "")


def _entered_before(job: Job | None) -> dict[str, Any]:
    match None if job is None else current_timetable(job):
        case Cron() as cron:
            return {
                "cron_expression": cron.expression,
                "timezone": cron.tz,
                "day_rule": cron.day_rule,
            }
        case Every() as every:
            assert job is not None
            parts = parts_of(job, every.interval)
            return {f"interval_{unit}": number for unit, number in parts.items()}
        case At() as at:
            return {"run_at": at.instant}
        case Solar() as solar:
            place = {"latitude": solar.latitude, "longitude": solar.longitude}
            return {"solar_event": solar.event, **place}
    return {}


def _cron(values: Mapping[str, Any], entered: Mapping[str, Any], now: datetime) -> Entered:
    _refuse_place(entered)
    return Entered(
        timetable=Cron(
            values["cron_expression"],
            tz=values.get("timezone") or "UTC",
            day_rule=values.get("day_rule") or "any",
        )
    )


def _solar(values: Mapping[str, Any], entered: Mapping[str, Any], now: datetime) -> Entered:
    _refuse_zone(entered)
    missing = [name for name in PLACE if name not in values]
    if missing:
        raise Missing(missing[0], "degrees, together with solar_event")
    return Entered(timetable=Solar(*(values[name] for name in ("solar_event", *PLACE))))


def _interval(values: Mapping[str, Any], entered: Mapping[str, Any], now: datetime) -> Entered:
    _refuse_zone(entered)
    _refuse_place(entered)
    parts = {unit: values[f"interval_{unit}"] for unit in UNITS if values.get(f"interval_{unit}")}
    try:
        length = timedelta(**parts)
    except OverflowError:
        length = timedelta.max
    if length > LONGEST_INTERVAL:
        field = f"interval_{next(iter(parts))}"
        raise InvalidInput(field, values[field], f"at most {LONGEST_INTERVAL.days} days in all")
    return Entered(timetable=Every(length, anchor=now.replace(microsecond=0)), parts=parts)


def _run_at(values: Mapping[str, Any], entered: Mapping[str, Any], now: datetime) -> Entered:
    _refuse_zone(entered)
    _refuse_place(entered)
    instant: datetime = values["run_at"]
    if instant <= now:
        raise InvalidInput("run_at", instant.isoformat(), "an instant in the future")
    return Entered(timetable=At(instant))


def _refuse_zone(entered: Mapping[str, Any]) -> None:
    for name in CRON_FIELDS:
        if entered.get(name):
            raise InvalidInput(name, entered[name], "used together with cron_expression only")


def _refuse_place(entered: Mapping[str, Any]) -> None:
    for name in PLACE:
        if entered.get(name) is not None:
            raise InvalidInput(name, entered[name], "used together with solar_event only")


def _described(kind: str, values: Mapping[str, Any]) -> tuple[str, object]:
    fields = {"cron": "cron_expression", "interval": "interval_seconds", "solar": "solar_event"}
    field = fields.get(kind, kind)
    return field, values.get(field, kind)


_READERS = {"cron": _cron, "interval": _interval, "run_at": _run_at, "solar": _solar}
