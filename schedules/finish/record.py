"""What every ending writes: the task result, and what follows from it."""

import logging
from typing import TYPE_CHECKING, Any

from celery import current_app, states
from celery.app.task import Context
from celery.canvas import signature
from django.db import connection, transaction

from schedules.finish.context import FOLLOW_UPS
from schedules.finish.dependents import plan_dependents
from schedules.finish.outcome import Outcome
from schedules.querysets.ending import succeed
from schedules.signals import run_finished
from schedules.states import NEVER_RAN, RunState

if TYPE_CHECKING:
    from schedules.models import Run

log = logging.getLogger(__name__)

RECORDING = "records_outcome"
"""Request attribute by which the result backend knows that this write is the ledger's own."""


RECORDED = "outcome_is_recorded"
"""Request attribute of a run that has its outcome."""


def record(run: "Run", outcome: Outcome, *, request: Context) -> None:
    """Write the task result, count the chord down, and plan what follows; inside the caller's
    transaction.

    Continuations are applied through `send_task`, which writes their runs in this transaction and
    tells the broker after its commit. Afterwards `request` carries no continuation any more.
    """
    backend: Any = current_app.backend  # typed too narrowly for what Celery's own tracer passes
    setattr(request, RECORDING, True)
    try:
        if outcome.state is RunState.SUCCEEDED:
            _apply_continuations(outcome.value, request)
            backend.mark_as_done(request.id, outcome.value, request=request)
        elif outcome.state in NEVER_RAN:
            error = outcome.as_exception()
            backend.mark_as_revoked(request.id, str(error), request=request)
            # Whoever waits for the end of the chain must not wait for ever.
            backend._fail_chain(request.chain, error, state=states.REVOKED)
        else:
            backend.mark_as_failure(
                request.id, outcome.as_exception(), outcome.traceback, request=request
            )
    finally:
        delattr(request, RECORDING)
    plan_dependents(run, outcome.state)
    mark_recorded(request)
    announce(run, outcome.state)


def record_success(run: "Run", outcome: Outcome, *, request: Context) -> bool:
    """End the run and write its task result at once, if it has succeeded, its attempt owns it, and
    nothing follows from it; else write nothing, and return False.

    This is how nearly all runs end, so it asks nothing beforehand: the one statement that ends the
    run refuses where it must.
    """
    if outcome.state is not RunState.SUCCEEDED or any(map(request.get, FOLLOW_UPS)):
        return False
    backend: Any = current_app.backend
    ended = succeed(
        connection,
        run_id=run.pk,
        job_id=run.job_id,
        attempt=run.attempt,
        summary=outcome.summary,
        result=backend.row_of_success(outcome.value, request),
    )
    if ended:
        mark_recorded(request)
        announce(run, outcome.state)
    return ended


def mark_recorded(request: Context) -> None:
    """Keep Celery from storing the outcome once more when the body has returned."""
    request.update({**FOLLOW_UPS, RECORDED: True})


def announce(run: "Run", state: RunState) -> None:
    """Tell of the run's end, once it is committed."""
    transaction.on_commit(_Announcement(run, state), robust=True)


class _Announcement:
    """Tells the log and the receivers of `run_finished`, once the outcome is committed."""

    def __init__(self, run: "Run", state: RunState) -> None:
        self.run = run
        self.state = state
        self.__qualname__ = type(self).__qualname__  # asked for when it fails

    def __call__(self) -> None:
        if log.isEnabledFor(logging.INFO):  # what it says takes longer to put together than to drop
            facts = {
                "run": str(self.run.task_id),
                "job": self.run.job_key or self.run.task,
                "attempt": self.run.attempt,
                "state": str(self.state),
            }
            log.info("run finished", extra={"action": "run_finished", **facts})
        run_finished.send_robust(sender=type(self), run_id=self.run.pk, state=self.state)


def _apply_continuations(value: Any, request: Context) -> None:
    """Apply links, then the next element of the chain, with the value as their first argument."""
    origin: dict[str, Any] = {"parent_id": request.id, "root_id": request.root_id or request.id}
    callbacks: list[Any] = list(request.callbacks or ())
    chain: list[Any] = list(request.chain or ())
    for callback in callbacks:
        signature(callback, app=current_app).apply_async((value,), **origin)
    if chain:
        *rest, following = chain
        signature(following, app=current_app).apply_async((value,), chain=rest, **origin)
