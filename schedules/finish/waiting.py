"""How a run ends that no worker owns: missed, skipped, cancelled."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from celery.exceptions import WorkerLostError
from django.db import connection, transaction

from schedules.errors import ReportedFailure
from schedules.finish.context import message_context
from schedules.finish.outcome import Outcome
from schedules.finish.record import record
from schedules.models import Run
from schedules.querysets.clock import DatabaseNow
from schedules.querysets.slots import fill_slots
from schedules.states import RunState

if TYPE_CHECKING:
    from schedules.querysets.runs import RunQuerySet


def judge_expired(run: Run, *, reason: str) -> Outcome:
    """Return how a waiting run ends that may no longer start, for the `reason`.

    Missed, if nobody ever began it. One that waited for another try ends as its last one did.
    """
    if run.attempt == 0:
        return Outcome(state=RunState.MISSED, reason=reason)
    error = f"{run.error}; not tried again: {reason}"
    last = run.attempts.order_by("-number").values_list("outcome", flat=True).first()
    if last == RunState.LOST:
        return Outcome(state=RunState.LOST, error=WorkerLostError(error), reason=reason)
    return Outcome(state=RunState.FAILED, error=ReportedFailure(error), reason=reason)


def finish_waiting(
    run: Run, outcome: Outcome, *, instance_id: UUID | None = None, passes_on: bool = True
) -> bool:
    """End a waiting run with `outcome`; False if it is taken or has ended meanwhile.

    If it was on its way to a slot, another one is sent for that, unless its caller ends all that
    wait for it and says so by `passes_on`.
    """
    with transaction.atomic(savepoint=False):
        alone = Run.objects.filter(pk=run.pk)
        ended = _end(alone, outcome, instance_id=instance_id or run.instance_id)
        if ended:
            record(run, outcome, request=message_context(run))
            if passes_on:
                fill_slots(connection, [run.job_id])
    return bool(ended)


def finish_all_waiting(runs: Sequence[Run], outcome: Outcome, *, instance_id: UUID) -> set[int]:
    """End waiting runs with the same `outcome`, all in one transaction; return their numbers.

    Those are left out that are taken, or just being taken, or have ended meanwhile.
    """
    with transaction.atomic(savepoint=False):
        rows = Run.objects.filter(pk__in=[run.pk for run in runs])
        mine = set(rows.waiting().locked().values_list("pk", flat=True))
        _end(Run.objects.filter(pk__in=mine), outcome, instance_id=instance_id)
        for run in runs:
            if run.pk in mine:
                record(run, outcome, request=message_context(run))
        fill_slots(connection, [run.job_id for run in runs if run.pk in mine])
    return mine


def _end(rows: "RunQuerySet", outcome: Outcome, *, instance_id: UUID | None) -> int:
    return rows.waiting().update(
        state=outcome.state,
        finished_at=DatabaseNow(),
        publish_at=None,
        reason=outcome.reason,
        error=outcome.error_text,
        instance_id=instance_id,
    )
