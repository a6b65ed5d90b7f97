"""What business code may use, and all it may use."""

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from celery import Task

from schedules.current import CurrentRun, current_run
from schedules.dispatch import Call, Parked
from schedules.dispatch import cancel_parked as cancel
from schedules.dispatch import park as _park
from schedules.errors import InvalidInput, Refused, SkipRun, Superseded
from schedules.models import Run
from schedules.operations.switch import pause_all, resume_all
from schedules.querysets.clock import database_now
from schedules.querysets.runs import RunQuerySet
from schedules.registry import Secret, declared_as, job
from schedules.retention import clean_log
from schedules.states import OnLost, Overlap
from schedules.timers import Reconciled, Timer
from schedules.timing import At, Cron, Every

if TYPE_CHECKING:
    from schedules.operations.doctor import recover
    from schedules.operations.lifecycle import shutdown_scheduler, start_scheduler
    from schedules.operations.monitoring import Watch, watch_jobs
    from schedules.operations.outcome_checks.numbers import CheckedRun
    from schedules.operations.status import scheduler_status

_WHERE = {
    "CheckedRun": "outcome_checks.numbers",
    "Watch": "monitoring",
    "recover": "doctor",
    "scheduler_status": "status",
    "shutdown_scheduler": "lifecycle",
    "start_scheduler": "lifecycle",
    "watch_jobs": "monitoring",
}
"""What is imported when it is first asked for: every process imports this module, and a Beat that
starts has no use for what looks after an installation.
"""

__all__ = [
    "At",
    "Call",
    "CheckedRun",
    "Cron",
    "CurrentRun",
    "Every",
    "InvalidInput",
    "OnLost",
    "Overlap",
    "Parked",
    "Reconciled",
    "Refused",
    "Secret",
    "SkipRun",
    "Superseded",
    "Timer",
    "Watch",
    "cancel",
    "clean_log",
    "current_run",
    "database_now",
    "job",
    "park",
    "pause_all",
    "pending_runs",
    "recover",
    "resume_all",
    "scheduler_status",
    "shutdown_scheduler",
    "start_scheduler",
    "subject",
    "watch_jobs",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"schedules.operations.{_WHERE[name]}"), name)


def subject(task: Task[Any, Any] | str, identity: object) -> str:
    """Return the key of a one-off call of `task` about one thing, for example
    "meetings.end_meeting:17".
    """
    return f"{_name(task)}:{identity}"


def park(task: Task[Any, Any] | str, calls: Iterable[Call]) -> Parked:
    """Make exactly one waiting run of `task` for each call's key, due at its instant.

    In the caller's transaction, with a constant number of statements for each thousand calls. A key
    that has a waiting run keeps it and is moved. Raises InvalidInput for a naive instant or
    arguments that the task does not take.
    """
    return _park(declared_as(_name(task)), calls)


def pending_runs(task: Task[Any, Any] | str | None = None) -> RunQuerySet:
    """Return the waiting and running runs (of one task), to read and to join against."""
    pending = Run.objects.unfinished()
    return pending if task is None else pending.filter(task=_name(task))


def _name(task: Task[Any, Any] | str) -> str:
    return task if isinstance(task, str) else task.name
