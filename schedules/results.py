"""The result backend: django-celery-results' table, written once per run and by the ledger only."""

import logging
from typing import Any
from uuid import UUID

from billiard.process import current_process
from celery import states
from celery.app.task import Context
from celery.exceptions import NotRegistered, WorkerLostError
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections
from django_celery_results.backends.database import DatabaseBackend as StockBackend
from django_celery_results.models import TaskResult

from schedules.conf import options
from schedules.errors import Superseded, UnplannedCall
from schedules.finish import Outcome, finish_attempt, finish_waiting, judge_error, lose_attempt
from schedules.finish.record import RECORDED, RECORDING
from schedules.lease import instance_id
from schedules.models import Run
from schedules.querysets.clock import database_now
from schedules.querysets.ending import write_result
from schedules.redaction import redact, redacted
from schedules.states import NEVER_RAN, RunState

log = logging.getLogger(__name__)

IN_FLIGHT = {
    RunState.RUNNING: states.STARTED,
    RunState.RETRYING: states.RETRY,
    RunState.SUCCEEDED: states.SUCCESS,
    RunState.FAILED: states.FAILURE,
    RunState.LOST: states.FAILURE,
    RunState.TIMED_OUT: states.FAILURE,
    **dict.fromkeys(NEVER_RAN, states.REVOKED),
}
"""Celery's state of a run without a task result; whatever else it is, it is PENDING."""


MOST_BYTES = 1_000_000
"""Of a result as JSON. Of a larger one the beginning is kept, and how large it was."""

START_OF_TRACEBACK, END_OF_TRACEBACK = 16_000, 48_000
"""Characters of a long traceback that are kept: how it began, and what was raised in the end."""


class DatabaseBackend(StockBackend):  # type: ignore[misc]
    """Answers for runs in flight, ends those whose worker could not, changes no outcome."""

    def exception_safe_to_retry(self, exc: BaseException) -> bool:
        """Whether to try again: after a lost connection, on a new one, outside of transactions."""
        if not isinstance(exc, (DatabaseError, InterfaceError)):
            return False
        open_ones = connections.all(initialized_only=True)
        if any(connection.in_atomic_block for connection in open_ones):
            return False
        for connection in open_ones:
            connection.close()
        return True

    def store_result(
        self,
        task_id: str,
        result: Any,
        state: str,
        traceback: str | None = None,
        request: Context | None = None,
        **kwargs: Any,
    ) -> Any:
        """Store a state. In a worker's main process a failure is logged: raised, it would end the
        worker.
        """
        try:
            return super().store_result(
                task_id, result, state, traceback, request=request, **kwargs
            )
        except Exception:
            if current_process().name != "MainProcess" or getattr(request, RECORDING, False):
                raise
            log.exception("The state %s of task %s could not be stored.", state, task_id)
            return result

    def _store_result(
        self,
        task_id: str,
        result: Any,
        status: str,
        traceback: str | None = None,
        request: Context | None = None,
        using: str | None = None,
    ) -> Any:
        if getattr(request, RECORDED, False):
            return result
        if not getattr(request, RECORDING, False):
            run = _run_of(task_id)
            if run is not None:
                _report(run, result, status, traceback, self.exception_to_python)
                return result
        row = self._row(task_id, result, status, traceback, request)
        write_result(connections[DEFAULT_DB_ALIAS], row)
        return result

    def row_of_success(self, value: Any, request: Context) -> dict[str, Any]:
        """Return the row that `mark_as_done` would write, by column, for who writes it himself."""
        encoded = self.encode_result(value, states.SUCCESS)
        return self._row(str(request.id), encoded, states.SUCCESS, None, request)

    def _row(
        self, task_id: str, result: Any, status: str, traceback: str | None, request: Context | None
    ) -> dict[str, Any]:
        """Return the row by column, without secrets and not larger than people read."""
        content_type, content_encoding, encoded = self.encode_content(redacted(result))
        if len(encoded) > MOST_BYTES:
            encoded = self.encode_content(_beginning_of(encoded))[2]
        traceback = None if traceback is None else shortened(redact(traceback))
        extended = self._get_extended_properties(request, traceback)
        for name in ("task_args", "task_kwargs"):
            extended[name] = redacted(extended.get(name))
        meta = {
            **(self._get_meta_from_request(request) or {}),
            "children": self.current_task_children(request),
        }
        return {
            **extended,
            "task_id": task_id,
            "status": status,
            "result": encoded,
            "meta": self.encode_content(meta)[2],
            "traceback": traceback,
            "content_type": content_type,
            "content_encoding": content_encoding,
        }

    def _get_task_meta_for(self, task_id: str) -> dict[str, Any]:
        """Answer from the task result; before there is one, from the run."""
        results = TaskResult.objects.filter(task_id=task_id)
        if not results.exists():
            run = _run_of(task_id)
            # A run that has ended between the two looks has its result by now.
            if run is not None and not (run.is_final and results.exists()):
                return _meta_of(run)
        meta: dict[str, Any] = super()._get_task_meta_for(task_id)
        return meta


def shortened(traceback: str) -> str:
    """Return a traceback of a size that a page can show."""
    left_out = len(traceback) - START_OF_TRACEBACK - END_OF_TRACEBACK
    if left_out <= 0:
        return traceback
    start, end = traceback[:START_OF_TRACEBACK], traceback[-END_OF_TRACEBACK:]
    return f"{start}\n… {left_out} characters left out …\n{end}"


def _beginning_of(encoded: str) -> dict[str, Any]:
    return {
        "message": f"The result was {len(encoded)} bytes long; only its beginning is kept.",
        "truncated": True,
        "beginning": encoded[:10_000],
    }


def _run_of(task_id: str) -> Run | None:
    try:
        key = UUID(task_id)
    except ValueError:
        return None
    return Run.objects.filter(task_id=key).first()


def _meta_of(run: Run) -> dict[str, Any]:
    state = IN_FLIGHT.get(RunState(run.state), states.PENDING)
    result = None
    if state in states.EXCEPTION_STATES - {states.RETRY}:
        result = Outcome(state=RunState(run.state), reason=run.reason or run.error).as_exception()
    return {
        "task_id": str(run.task_id),
        "status": state,
        "result": result,
        "traceback": None,
        "children": [],
        "date_done": run.finished_at,
        "name": run.task,
        "args": run.args,
        "kwargs": run.kwargs,
    }


def _report(run: Run, result: Any, status: str, traceback: str | None, revive: Any) -> None:
    """Take what Celery says of a run from outside its body: a lost child, a time limit, a revoke.

    The body's own end is written by the ledger before Celery hears of it, so for a run that is
    final there is nothing left to say.
    """
    if run.is_final or status in (states.RETRY, states.STARTED):
        return
    if status == states.REVOKED:
        _report_revoked(run, str(revive(result)))
    elif status in states.EXCEPTION_STATES:
        _report_failure(run, revive(result), traceback)


def _report_revoked(run: Run, reason: str) -> None:
    outcome = Outcome(state=RunState.CANCELLED, reason=reason)
    if run.state != RunState.RUNNING:
        finish_waiting(run, outcome, instance_id=instance_id())
    elif "terminated" in reason and run.instance_id == instance_id():
        _finish_mine(run, outcome)


def _report_failure(run: Run, error: BaseException, traceback: str | None) -> None:
    if isinstance(error, UnplannedCall):
        return  # a forged message with this run's id: the run itself waits for its own
    if run.state != RunState.RUNNING and isinstance(error, WorkerLostError):
        # The child died before its claim: nothing has begun, so the run is sent once more.
        Run.objects.filter(pk=run.pk).send_again()
        return
    if run.state != RunState.RUNNING and _is_for_another_version(run, error):
        return
    if run.state != RunState.RUNNING:
        # The message could not be executed here at all: not registered, or not decodable.
        outcome = Outcome(state=RunState.FAILED, error=error, traceback=traceback)
        finish_waiting(run, outcome, instance_id=instance_id())
    elif run.instance_id != instance_id():
        return  # another worker owns it by now; its own end counts
    elif isinstance(error, WorkerLostError):
        lose_attempt(run, reason=str(error))
    else:
        _finish_mine(run, judge_error(error, traceback=traceback or ""))


def _is_for_another_version(run: Run, error: BaseException) -> bool:
    """Let the run wait for a worker that knows its task, as long as one may still be coming: while
    a new version is rolled out, workers of the old one get its messages too.
    """
    now = database_now()
    if not isinstance(error, NotRegistered) or now > run.due_at + options().rollout:
        return False
    Run.objects.waiting().filter(pk=run.pk).update(
        publish_at=now + options().send_again_after, state=RunState.PLANNED
    )
    return True


def _finish_mine(run: Run, outcome: Outcome) -> None:
    try:
        finish_attempt(run, outcome)
    except Superseded:
        log.info("Run %s had ended before its worker could say so.", run.task_id)
