"""The task class: claims its run before the body, and ends it with the body."""

import logging
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from traceback import format_exc
from typing import Any, TypeVar
from uuid import UUID

from celery.contrib.django.task import DjangoTask
from celery.exceptions import Ignore, Reject, Retry
from django.db import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    connection,
    transaction,
)

from schedules import broker, tracing
from schedules.access import record
from schedules.adapters.unreadable import DATES
from schedules.current import CurrentRun, current_run, executing
from schedules.dispatch import fail_unreadable
from schedules.dispatch.publish import RUN_HEADER
from schedules.errors import ReportedFailure, SkipRun, Superseded, UnplannedCall, WithoutRun
from schedules.finish import (
    Outcome,
    finish_attempt,
    finish_waiting,
    held,
    judge,
    judge_error,
    judge_expired,
    lose_attempt,
    message_fields,
    resend_attempt,
)
from schedules.guard import exclusively
from schedules.halts import halted
from schedules.lease import instance_id
from schedules.models import Job, Run
from schedules.overlap import give_way
from schedules.querysets.claim import MOST_INSTANCES
from schedules.querysets.clock import database_now
from schedules.registry import Declaration, find, refuse_map_of_declared, reveal
from schedules.states import BY_ITSELF, FINAL, RunState

log = logging.getLogger(__name__)

CONNECTION_LOST = (DatabaseError, InterfaceError)

Answer = TypeVar("Answer")


class JobTask(DjangoTask[Any, Any]):
    """Base of every task of the app. Tasks that nobody declared behave as Celery's own."""

    abstract = True
    Request = "schedules.intake:TimedRequest"
    track_started = False  # the claim says it; a duplicate's STARTED would overwrite an outcome

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the body: directly when called as a function, else for the run the message names."""
        request = self.request
        declaration = find(self.name)
        if declaration is None:
            refuse_map_of_declared(self.name, kwargs)
        planned = declaration is not None or RUN_HEADER in (request.headers or {})
        if request.called_directly or request.is_eager or not planned or _is_inside(request.id):
            return super().__call__(*args, **kwargs)
        run = CurrentRun(_claim(self.name, str(request.id)), request)
        request.update(message_fields(run.row))
        watched = exclusively() if run.row.options.get("exclusive") else nullcontext()
        with executing(run), watched, _span_of(run.row):
            return _perform(run, self.run, declaration)

    def apply(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse to execute a declared task here and now; raises WithoutRun."""
        if find(self.name) is not None:
            raise WithoutRun(self.name, "apply")
        return super().apply(*args, **kwargs)


def _span_of(row: Run) -> AbstractContextManager[None]:
    return tracing.span(
        f"run {row.job_key or row.task}",
        options=row.options,
        run=str(row.task_id),
        job=row.job_key or row.task,
        attempt=row.attempt,
        scheduled_at=row.scheduled_at.isoformat(),
    )


def _is_inside(task_id: str | None) -> bool:
    """Whether the run's own body calls its task once more, as a plain function."""
    running = current_run()
    return running is not None and str(running.task_id) == task_id


def _claim(task: str, task_id: str) -> Run:
    """Take the run, or raise what tells Celery to let go of the message.

    Waits for a database that goes away meanwhile: only it can say whether a claim was made whose
    answer was lost.
    """
    while True:
        asked_on = connection.connection
        try:
            return _take(task, task_id)
        except CONNECTION_LOST as error:
            log.warning("Run %s could not be claimed: %s", task_id, error)
            if not _has_lost(asked_on, error):
                raise Ignore from None  # the outbox sends it again
            run = _insist(lambda: _claimed_unheard(task_id))
            if run is not None:
                held.settle()
                return run
        except broker.AWAY as error:
            log.warning("What is in the way of run %s could not be told to end: %s", task_id, error)
            raise Ignore from None


def _claimed_unheard(task_id: str) -> Run | None:
    """Return the run if this process, which now executes none, has claimed it."""
    claims = Run.objects.running().filter(instance_id=instance_id(), pid=os.getpid())
    return claims.filter(task_id=UUID(task_id)).first()


def _take(task: str, task_id: str) -> Run:
    try:
        key = UUID(task_id)
    except ValueError:
        raise _unplanned(task, task_id) from None
    for _ in range(MOST_INSTANCES):
        try:
            run = held.claim(key, task=task, instance_id=instance_id(), pid=os.getpid())
        except IntegrityError:
            # No slot is free, or another run took the same one in this very moment.
            waiting = Run.objects.filter(task_id=key).select_related("job").first()
            if waiting is not None and give_way(waiting):
                continue
            raise Ignore from None
        except CONNECTION_LOST:
            raise
        except Exception:
            # It is taken, and what SQL has put into its row cannot be read.
            if not fail_unreadable(key, now=database_now()):
                raise
            raise Ignore from None
        if run is None:
            _explain_refusal(key, task)
            raise Ignore
        return run
    Run.objects.filter(task_id=key).send_again()  # others were faster each time
    raise Ignore


def _explain_refusal(task_id: UUID, task: str) -> None:
    """Find out why the run was not to be had; only a message that we never sent is worth a word."""
    rows = Run.objects.filter(task_id=task_id)
    # Thousands of calls that were cancelled after they had been sent each come by here.
    known = rows.values_list("task", "state").order_by().first()
    if known is None or known[0] != task:
        raise _unplanned(task, str(task_id))
    if known[1] not in FINAL:
        rows = rows.select_related("job__periodic_task")
        run = rows.defer(*(f"job__periodic_task__{name}" for name in DATES)).get()
        now = database_now()
        outcome = None if run.is_final else _why_not(run, now=now)
        if outcome is not None:
            finish_waiting(run, outcome, instance_id=instance_id())
        else:
            # Its message is used up: the outbox sends it when the pause of everything is over.
            Run.objects.filter(pk=run.pk, state=RunState.SENT, due_at__lte=now).send_again()
    log.debug("Run %s was %s: nothing to do for this message", task_id, known[1])


def _why_not(run: Run, *, now: datetime) -> Outcome | None:
    """Return how a waiting run ends that may not start (any more); None if it only has to wait."""
    if run.expires_at is not None and run.expires_at < now:
        reason = f"a worker came to it only after {run.expires_at:%FT%TZ}, the end of its grace"
        return judge_expired(run, reason=reason)
    if run.origin not in BY_ITSELF:
        return None
    reason = "its job is gone" if run.job is None else halted(run.job, now=now)
    return Outcome(state=RunState.SKIPPED, reason=reason) if reason else None


def _unplanned(task: str, task_id: str) -> UnplannedCall:
    """Note a message that names a declared task, but no run of it. It may be forged."""
    record(
        "refuse",
        subject=f"message:{task_id}",
        actor="broker",
        source="worker",
        now=database_now(),
        reason=f"{task} was called by a message without a planned run",
    )
    return UnplannedCall(f"{task}[{task_id}] was not planned here, so it does not run.")


def _perform(run: CurrentRun, body: Callable[..., Any], declaration: Declaration | None) -> Any:
    """Execute the body and end the run with what came of it."""
    atomic = declaration is not None and declaration.atomic
    outcome = None
    claimed_on = connection.connection
    try:
        args, kwargs = _arguments(run, declaration)
        with transaction.atomic() if atomic else nullcontext():
            value = body(*args, **kwargs)
            if run.resend is None and not run.is_committed():
                outcome = judge(value)
                _finish(run, outcome)
    except Superseded as error:
        log.warning("%s Its effects were rolled back.", error, extra={"action": "superseded"})
        raise Ignore from None
    except Exception as error:  # noqa: BLE001 - whatever it is, it becomes the run's outcome
        return _ended_by(error, run, lost=_has_lost(claimed_on, error))
    if run.resend is not None:
        _go_on(run)
        raise Ignore
    if outcome is not None and isinstance(outcome.error, ReportedFailure):
        raise outcome.error
    return value


def _arguments(
    run: CurrentRun, declaration: Declaration | None
) -> tuple[list[Any], dict[str, Any]]:
    """Return what the body is called with: the row's arguments, and what the worker fills in."""
    if declaration is None:
        return list(run.row.args), dict(run.row.kwargs)
    args, kwargs = reveal(declaration, run.row.args, run.row.kwargs)
    injected = declaration.injected
    if "scheduled_at" in injected:
        kwargs["scheduled_at"] = run.scheduled_at
    if "run" in injected:
        kwargs["run"] = run
    return args, kwargs


def _finish(run: CurrentRun, outcome: Outcome) -> None:
    """End the run, with its last words in the same transaction, or see to it that its end is
    written with the next claim. Raises Superseded.
    """
    tracing.note_outcome(str(outcome.state), outcome.error_text)
    if not run.journal.has_news and held.hold(run.row, outcome, request=run.request):
        return
    with transaction.atomic(savepoint=False) if run.journal.has_news else nullcontext():
        run.journal.write()
        finish_attempt(run.row, outcome, request=run.request)


def _has_lost(claimed_on: object, error: Exception) -> bool:
    """Whether `error` is the loss of the connection that the run was claimed on.

    At the end of a transaction Django may have replaced a broken one with one that works. The
    error's kind tells little: an answer that was cut in two is none that the driver knows.
    """
    if not isinstance(error, CONNECTION_LOST):
        return False
    return connection.connection is not claimed_on or not connection.is_usable()


def _ended_by(error: Exception, run: CurrentRun, *, lost: bool) -> Any:
    """End the run for a body that raised (or whose end could not be written); raise what Celery
    needs. `lost` says that the body lost its connection.
    """
    if lost:
        _release(run, error)
        raise Ignore from error
    if run.has_result and _insist(run.is_committed):
        # Effects, result and success are in the database together; what came after changes nothing.
        log.error("Run %s raised after it had committed its result.", run.task_id, exc_info=error)
        raise Ignore from error
    if run.resend is not None and isinstance(error, (Retry, Ignore)):
        if _go_on(run, cause=getattr(error, "exc", None)):
            raise error
        raise Ignore from error
    if isinstance(error, (Ignore, Reject)):
        outcome = Outcome(state=RunState.SKIPPED, reason=f"its body asked for it: {error!r}")
    else:
        outcome = judge_error(error, traceback=format_exc())
    try:
        if _tries_again(run, outcome):
            raise Ignore from error
    except Superseded:
        raise Ignore from error
    except CONNECTION_LOST as another:
        _release(run, another)
        raise Ignore from error
    if isinstance(error, (SkipRun, Ignore, Reject)):
        raise Ignore from error
    raise error


def _tries_again(run: CurrentRun, outcome: Outcome) -> bool:
    """Let the run wait for another try if its job's policy has one left; the pause doubles. Else
    end it, and return False. Raises Superseded.
    """
    if outcome.state is RunState.FAILED and not run.is_last_try:
        policy: Job | Declaration | None = run.row.job or find(run.row.task)
        assert policy is not None  # or it were its last try
        tried = run.row.retries
        due_at = database_now() + policy.retry_delay * 2**tried
        message = {"retries": tried + 1}
        if _resend(run, due_at=due_at, error=outcome.error_text, message=message):
            return True
        outcome = outcome._replace(reason=_newer_call(run))
    _finish(run, outcome)
    return False


def _resend(run: CurrentRun, *, due_at: datetime, error: str, message: dict[str, Any]) -> bool:
    with transaction.atomic(savepoint=False):
        run.journal.write()
        waits = resend_attempt(run.row, due_at=due_at, error=error, message=message)
    if waits:
        tracing.note_outcome(str(RunState.RETRYING), error)
    return waits


def _newer_call(run: CurrentRun) -> str:
    return f"not tried again: a newer call for {run.row.natural_key} waits"


def _go_on(run: CurrentRun, *, cause: BaseException | None = None) -> bool:
    """Let the same run wait for its next try, as the body asked. Where a newer call waits in its
    place the run ends with what it asked for, and False is returned.
    """
    assert run.resend is not None
    error = "" if cause is None else repr(cause)
    try:
        if _resend(run, due_at=run.resend.due_at, error=error, message=run.resend.message):
            return True
        state = RunState.SKIPPED if cause is None else RunState.FAILED
        _finish(run, Outcome(state=state, error=cause, reason=_newer_call(run)))
    except Superseded:
        raise Ignore from None
    return False


def _release(run: CurrentRun, error: Exception) -> None:
    """Give the run back after the database went away under it.

    As long as this worker lives nobody else may take the run. If the lost commit had arrived after
    all, the run has its outcome and nothing happens.
    """
    reason = f"the database was lost before the end was written: {error}"
    _insist(lambda: lose_attempt(run.row, reason=reason))


def _insist(ask: Callable[[], Answer]) -> Answer:
    """Return what `ask` returns once the database answers, on a new connection, however long that
    takes: nothing else can be done here meanwhile.
    """
    pause = 0.0
    while True:
        connection.close()
        try:
            return ask()
        except CONNECTION_LOST:
            time.sleep(pause)
            pause = min(max(2 * pause, 0.5), 10)
