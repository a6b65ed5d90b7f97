"""What business code may use, and all it may use."""

from collections.abc import Iterable
from typing import Any

from celery import Task

from schedules.current import CurrentRun, current_run
from schedules.dispatch import Call, Parked
from schedules.dispatch import cancel_parked as cancel
from schedules.dispatch import park as _park
from schedules.errors import InvalidInput, SkipRun, Superseded
from schedules.models import Run
from schedules.querysets.clock import database_now
from schedules.querysets.runs import RunQuerySet
from schedules.registry import find, job
from schedules.states import OnLost, Overlap
from schedules.timing import At, Cron, Every

__all__ = [
    "At",
    "Call",
    "Cron",
    "CurrentRun",
    "Every",
    "InvalidInput",
    "OnLost",
    "Overlap",
    "Parked",
    "SkipRun",
    "Superseded",
    "cancel",
    "current_run",
    "database_now",
    "job",
    "park",
    "pending_runs",
    "subject",
]


def subject(task: Task[Any, Any], identity: object) -> str:
    """Return the key of a one-off call of `task` about one thing, for example
    "meetings.end_meeting:17".
    """
    return f"{task.name}:{identity}"


def park(task: Task[Any, Any], calls: Iterable[Call]) -> Parked:
    """Make exactly one waiting run of `task` for each call's key, due at its instant.

    In the caller's transaction, with a constant number of statements for each thousand calls. A key
    that has a waiting run keeps it and is moved. Raises InvalidInput for a naive instant or
    arguments that the task does not take.
    """
    declaration = find(task.name)
    if declaration is None:
        raise InvalidInput("task", task.name, "a function declared with @job")
    return _park(declaration, calls)


def pending_runs(task: Task[Any, Any] | None = None) -> RunQuerySet:
    """Return the waiting and running runs (of one task), to read and to join against."""
    pending = Run.objects.unfinished()
    return pending if task is None else pending.filter(task=task.name)
