"""How a run ends that no worker owns: missed, skipped, cancelled."""

from uuid import UUID

from django.db import transaction

from schedules.finish.context import message_context
from schedules.finish.outcome import Outcome
from schedules.finish.record import record
from schedules.models import Run
from schedules.querysets.clock import DatabaseNow


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
