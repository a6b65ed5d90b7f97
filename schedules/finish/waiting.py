"""How a run ends that no worker owns: missed, skipped, cancelled."""

from uuid import UUID

from celery.exceptions import WorkerLostError
from django.db import transaction

from schedules.errors import ReportedFailure
from schedules.finish.context import message_context
from schedules.finish.outcome import Outcome
from schedules.finish.record import record
from schedules.models import Run
from schedules.querysets.clock import DatabaseNow
from schedules.states import RunState


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


def finish_waiting(run: Run, outcome: Outcome, *, instance_id: UUID | None = None) -> bool:
    """End a waiting run with `outcome`; False if it is taken or has ended meanwhile."""
    with transaction.atomic(savepoint=False):
        ended = (
            Run.objects.waiting()
            .filter(pk=run.pk)
            .update(
                state=outcome.state,
                finished_at=DatabaseNow(),
                publish_at=None,
                reason=outcome.reason,
                error=outcome.error_text,
                instance_id=instance_id or run.instance_id,
            )
        )
        if ended:
            record(run, outcome, request=message_context(run))
    return bool(ended)
