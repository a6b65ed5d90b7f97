"""What a job must be after a change: policies, bounds and rules that make sense."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from schedules.adapters.validation import check_jitter
from schedules.errors import InvalidInput
from schedules.models import Job
from schedules.operations.timetables import current_timetable
from schedules.registry import check_texts, find, named_checkers


def check_policy(values: Mapping[str, Any], *, job: Job | None = None) -> None:
    """Raise InvalidInput, naming the field, for more runs at once than may be, and for durations
    that make no sense, also beside the timetable that `job` has.
    """
    at_once = values.get("max_instances", 1)
    if not 1 <= at_once <= 10:
        raise InvalidInput("max_instances", str(at_once), "a number from 1 to 10")
    for name in ("misfire_grace", "jitter", "retry_delay"):
        length = values.get(name)
        if length is not None and length < timedelta(0):
            raise InvalidInput(name, str(length), "zero or a length of time")
    for name in ("time_limit", "soft_time_limit", "retention"):
        length = values.get(name)
        if length is not None and length <= timedelta(0):
            raise InvalidInput(name, str(length), "longer than zero, or empty for none")
    soft, hard = values.get("soft_time_limit"), values.get("time_limit")
    if soft is not None and hard is not None and soft >= hard:
        raise InvalidInput("soft_time_limit", str(soft), f"shorter than time_limit, {hard}")
    timetable = None if job is None else current_timetable(job)
    if values.get("jitter") and timetable is not None:
        check_jitter(values["jitter"], timetable)


def check_bounds(starts_at: datetime | None, ends_at: datetime | None) -> None:
    """Raise InvalidInput for an end before the start."""
    if starts_at is not None and ends_at is not None and ends_at < starts_at:
        accepted = f"an instant no earlier than starts_at, {starts_at.isoformat()}"
        raise InvalidInput("ends_at", ends_at.isoformat(), accepted)


def check_fires(job: Job) -> None:
    """Raise InvalidInput for a job that is to run and never would within its bounds or on the days
    of its calendar.
    """
    task = job.periodic_task
    if task is None or not job.is_enabled or job.next_run_at is not None:
        return
    if job.calendar is not None and job.timetable is not None:
        name = job.calendar.name
        raise InvalidInput("calendar", name, "one that leaves the job an occurrence to come")
    if task.expires is None:
        return
    raise InvalidInput("ends_at", task.expires.isoformat(), "an instant after its next occurrence")


def check_rules(job: Job) -> None:
    """Raise InvalidInput for an outcome check that cannot be. An empty list is none."""
    job.checks = job.checks or None
    check_outcome_checks(job.checks, task=job.task)


def check_outcome_checks(checks: Any, *, task: str) -> None:
    """Raise InvalidInput for outcome checks that cannot be for the task; nothing is none."""
    declaration = find(task)
    known = {} if declaration is None else named_checkers(declaration.checks)
    check_texts(checks or [], known=known)
