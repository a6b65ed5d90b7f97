"""Cancelling runs: the row first, the broker after it."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction

from schedules.access import Source, actor_name, record
from schedules.finish import Outcome, finish_waiting
from schedules.lease import instance_id
from schedules.models import Run
from schedules.operations.decided import check_undecided
from schedules.states import WAITING, RunState

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

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


@transaction.atomic
def cancel_run(
    run: Run,
    *,
    by: "AbstractBaseUser | AnonymousUser | str",
    source: Source,
    now: datetime,
    reason: str = "",
) -> str:
    """End one waiting run as cancelled, on a person's word, and record it; answer as above.

    Raises DecidedByRow for one that a row of somebody's asks for.
    """
    if run.state in WAITING:
        check_undecided(run)
    why = f"cancelled by {actor_name(by)}{f': {reason}' if reason else ''}"
    answer = _cancel(run, why)
    if answer == CANCELLED:
        record(
            "cancel",
            subject=f"run:{run.task_id}",
            actor=by,
            source=source,
            now=now,
            reason=reason,
        )
    return answer


def _cancel(run: Run | None, reason: str) -> str:
    if run is None:
        return UNKNOWN
    outcome = Outcome(state=RunState.CANCELLED, reason=reason)
    if not run.is_final and finish_waiting(run, outcome, instance_id=instance_id()):
        return CANCELLED
    run.refresh_from_db(fields=["state"])
    return ALREADY_FINISHED if run.is_final else ALREADY_STARTED
