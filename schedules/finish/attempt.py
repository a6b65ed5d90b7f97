"""How a running attempt ends: with an outcome, as a new try, or by losing its worker."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from celery.app.task import Context
from celery.exceptions import WorkerLostError
from django.db import IntegrityError, connection, transaction

from schedules.conf import options
from schedules.errors import Superseded
from schedules.finish.context import message_context, message_fields
from schedules.finish.dependents import LEAST_GRACE
from schedules.finish.outcome import Outcome
from schedules.finish.record import RECORDED, record, record_success
from schedules.models import Job, Run
from schedules.querysets.clock import database_now
from schedules.querysets.ending import end_run, write_attempt
from schedules.querysets.instances import LEASE
from schedules.querysets.slots import send_next
from schedules.states import OnLost, RunState

if TYPE_CHECKING:
    from schedules.querysets.runs import RunQuerySet

TAKEN_BACK_WITHIN = 4 * LEASE
"""After a worker vanished; what takes longer is an outage, which counts as lateness."""


def finish_attempt(run: Run, outcome: Outcome, *, request: Context | None = None) -> None:
    """End the run with `outcome`, if attempt `run.attempt` still owns it.

    Opens a transaction, or joins the caller's, so that effects, result and state are one commit.
    `request` is the task's own request where the caller executes it. Raises Superseded, and leaves
    nothing written, when another attempt or a cancellation owns the run by now.
    """
    request = message_context(run) if request is None else request
    if request.get(RECORDED):
        # An outcome that was rolled back: what follows from it has been cleared, and follows again.
        request.update({**message_fields(run), RECORDED: False})
    if record_success(run, outcome, request=request):
        return
    with transaction.atomic(savepoint=False):
        ended = end_run(
            connection,
            run_id=run.pk,
            attempt=run.attempt,
            state=outcome.state,
            reason=outcome.reason,
            error=outcome.error_text,
            summary=outcome.summary,
        )
        if not ended:
            raise Superseded(run.task_id, run.attempt)
        _note_attempt(run, outcome.state, outcome.error_text or outcome.reason)
        record(run, outcome, request=request)


def resend_attempt(run: Run, *, due_at: datetime, error: str, message: dict[str, Any]) -> bool:
    """End this try and let the same run go on at `due_at` as the given message (a retry, a
    replacement).

    `message` holds new values for `task`, `args`, `kwargs`, `options`, `retries`. Returns False,
    and changes nothing, where a newer call for the run's subject waits already: it stands for this
    one's next try, too. Raises Superseded.
    """
    with transaction.atomic(savepoint=False):
        try:
            with transaction.atomic():
                ended = _owned(run).update(
                    state=RunState.RETRYING,
                    due_at=due_at,
                    publish_at=due_at,
                    expires_at=_expiry(run, due_at),
                    sends=0,
                    error=error,
                    **message,
                )
        except IntegrityError:
            if run.natural_key is None:
                raise
            return False
        if not ended:
            raise Superseded(run.task_id, run.attempt)
        _note_attempt(run, RunState.RETRYING, error)
    return True


def lose_attempt(run: Run, *, reason: str, too_late: bool = False) -> RunState | None:
    """Take the run from a worker that vanished: it waits again, or ends as lost, as its policy
    says; as lost in any case when it is `too_late` to do it again.

    Returns the new state, or None when the attempt had ended in the meantime.
    """
    losses = 1 + run.attempts.filter(outcome=RunState.LOST).count()
    poisonous = losses >= options().most_attempts
    if _on_lost(run) is OnLost.RETRY and not poisonous and not too_late:
        try:
            with transaction.atomic():
                return _wait_again(run, reason)
        except IntegrityError:
            # Another one-off call for the same subject waits already; it stands for this one too.
            reason = f"{reason}; a newer call for {run.natural_key} waits"
    error = WorkerLostError(reason)
    try:
        with transaction.atomic():
            finish_attempt(run, Outcome(state=RunState.LOST, error=error, reason=reason))
            if run.job_id and poisonous:
                # With the outcome, which is written only once: nobody comes back to flag the job.
                Job.objects.filter(pk=run.job_id).update(
                    flagged_reason=f"Run {run.task_id} lost its worker {losses} times: {reason}"
                )
    except Superseded:
        return None
    return RunState.LOST


def _wait_again(run: Run, reason: str) -> RunState | None:
    again_at = database_now()
    ended = _owned(run).update(
        state=RunState.RETRYING,
        due_at=again_at,
        publish_at=again_at,
        expires_at=_expiry(run, again_at + TAKEN_BACK_WITHIN),
        sends=0,
        error=reason,
    )
    if not ended:
        return None
    _note_attempt(run, RunState.LOST, reason)
    return RunState.RETRYING


def grace_of(run: Run) -> timedelta | None:
    """Return how late the run may start; None for however late."""
    if run.expires_at is None:
        return None
    if run.job_id:
        return Job.objects.values_list("misfire_grace", flat=True).get(pk=run.job_id)
    return run.expires_at - run.due_at


def _expiry(run: Run, due_at: datetime) -> datetime | None:
    """Return until when another try that is due at `due_at` may start: it has its own grace."""
    grace = grace_of(run)
    return None if grace is None else due_at + max(grace, LEAST_GRACE)


def _owned(run: Run) -> "RunQuerySet":
    return Run.objects.owned(run_id=run.pk, attempt=run.attempt)


def _on_lost(run: Run) -> OnLost:
    """The job's policy; for a one-off call, what its message was planned with."""
    if run.job_id:
        return OnLost(Job.objects.values_list("on_lost", flat=True).get(pk=run.job_id))
    # What only SQL could have written keeps no run, and none of those behind it, from its end.
    planned_with = run.options if isinstance(run.options, dict) else {}
    return OnLost(planned_with.get("on_lost", OnLost.FAIL))


def _note_attempt(run: Run, outcome: RunState, error: str) -> None:
    """Write the try down. With it its slot is free, so whoever waits for one gets its turn."""
    write_attempt(connection, run_id=run.pk, outcome=outcome, error=error)
    if run.job_id:
        send_next(connection, job_id=run.job_id)
