"""Cancelling runs: the row first, the broker after it."""

from collections.abc import Iterable
from uuid import UUID

from schedules.finish import Outcome, finish_waiting
from schedules.lease import instance_id
from schedules.models import Run
from schedules.states import RunState

CANCELLED = "cancelled"
ALREADY_STARTED = "already_started"
ALREADY_FINISHED = "already_finished"
UNKNOWN = "unknown"


def cancel_runs(task_ids: Iterable[UUID], *, reason: str) -> dict[UUID, str]:
    """End the waiting ones of the given runs as cancelled; say for each id what became of it.

    After "cancelled" the body never starts. "already_started" means that a worker owns the run: to
    stop it, revoke it with `terminate=True`. The other answers are "already_finished" and
    "unknown".
    """
    wanted = list(task_ids)
    runs = {run.task_id: run for run in Run.objects.filter(task_id__in=wanted)}
    return {task_id: _cancel(runs.get(task_id), reason) for task_id in wanted}


def _cancel(run: Run | None, reason: str) -> str:
    if run is None:
        return UNKNOWN
    outcome = Outcome(state=RunState.CANCELLED, reason=reason)
    if not run.is_final and finish_waiting(run, outcome, instance_id=instance_id()):
        return CANCELLED
    run.refresh_from_db(fields=["state"])
    return ALREADY_FINISHED if run.is_final else ALREADY_STARTED
