"""The end of a run that is held back for a moment, to be committed with the claim of the next.

Waiting for the disk is most of what a short run takes. A child of a worker that has more to do
waits once for the end of one run and the claim of the next. Its pool (`schedules.prefork`) has the
end written when no task follows at once, and on every way out; no body begins before it is written.

Only a plain success is held: nothing follows from it, nothing of its body waits for its commit, and
it is no run of a job, whose slot others may wait for. To die in that moment is to die between the
body and its end, as has always been possible: the run is taken back by its policy.
"""

import logging
import time
from dataclasses import dataclass, field
from traceback import format_exc
from typing import Any
from uuid import UUID

from celery import current_app
from celery.app.task import Context
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connection, connections

from schedules.errors import Superseded
from schedules.finish.attempt import finish_attempt
from schedules.finish.context import FOLLOW_UPS
from schedules.finish.outcome import Outcome, judge_error
from schedules.finish.record import announce, mark_recorded
from schedules.models import Run
from schedules.querysets.ending import succeed, succeed_and_claim, success_statement
from schedules.querysets.statements import Statement, first_row
from schedules.states import RunState

log = logging.getLogger(__name__)

RUNS = Run.objects.all()  # making one takes as long as what is asked of it here

ERRORS = (DatabaseError, InterfaceError)
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds between two tries while the database is away."""


@dataclass(slots=True)
class HeldEnd:
    """A success whose body has returned."""

    run: Run
    facts: dict[str, Any]
    """What is written about it, as `succeed` takes it."""

    returned_at: float = field(default_factory=time.monotonic)
    refused: Outcome | None = None
    """How the run ends instead, where the database does not take the success."""

    def seconds_ago(self) -> float:
        """Return when it ended: when its body returned, and not when that is written."""
        return time.monotonic() - self.returned_at

    def statement(self) -> Statement:
        """Return the statement that writes it."""
        return success_statement(**self.facts, seconds_ago=self.seconds_ago())

    def write(self) -> None:
        """Write it, unless it is written or another attempt owns the run by now."""
        if self.refused is not None:
            _write_instead(self.run, self.refused)
        elif self._succeeds() or self._is_written():
            announce(self.run, RunState.SUCCEEDED)
        else:
            log.warning("%s", Superseded(self.run.task_id, self.run.attempt))

    def _succeeds(self) -> bool:
        return succeed(connection, **self.facts, seconds_ago=self.seconds_ago())

    def _is_written(self) -> bool:
        """Whether it was written by a commit whose answer was lost."""
        mine = Run.objects.filter(pk=self.run.pk, attempt=self.run.attempt)
        return mine.filter(state=RunState.SUCCEEDED).exists()


_held: HeldEnd | None = None
_claims_expected = False


def expect_claims(expected: bool) -> None:
    """Say whether this process is about to claim again and will have written what it holds."""
    global _claims_expected
    _claims_expected = expected


def is_held() -> bool:
    """Whether an end is to be written yet."""
    return _held is not None


def hold(run: Run, outcome: Outcome, *, request: Context) -> bool:
    """Hold the end of the run back if that may be; else do nothing, and return False."""
    global _held
    if _held is not None or not _claims_expected or not _is_plain(run, outcome, request):
        return False
    backend: Any = current_app.backend
    facts = {
        "run_id": run.pk,
        "job_id": None,
        "attempt": run.attempt,
        "summary": outcome.summary,
        "result": backend.row_of_success(outcome.value, request),
    }
    _held = HeldEnd(run, facts)
    mark_recorded(request)
    return True


def _is_plain(run: Run, outcome: Outcome, request: Context) -> bool:
    here = connections[DEFAULT_DB_ALIAS]
    return (
        here.vendor == "postgresql"
        and here.autocommit
        and not here.in_atomic_block
        and run.job_id is None
        and outcome.state is RunState.SUCCEEDED
        and not any(map(request.get, FOLLOW_UPS))
    )


def claim(task_id: UUID, **by: Any) -> Run | None:
    """Claim as `RunQuerySet.claim` does; what is held is written before, with one commit for both.

    Raises what that raises. Where the connection was lost something may be held yet.
    """
    global _held
    if _held is not None and _held.refused is None:
        try:
            claims = RUNS.claim_statement(task_id, **by)
            # The connection itself: `connection` looks it up at each of many attributes.
            here = connections[DEFAULT_DB_ALIAS]
            ended, *claimed = first_row(here, succeed_and_claim(_held.statement(), claims))
        except ERRORS:
            if not connection.is_usable():
                raise
            # Neither is written. Which of them was refused is seen when each is alone.
        else:
            if ended is not None:
                announce(_held.run, RunState.SUCCEEDED)
                _held = None
            settle()
            return RUNS.read_claimed(claimed if claimed[0] is not None else None)
    settle()
    return Run.objects.claim(task_id, **by)


def settle() -> None:
    """Write what is held, however long the database is away: nothing else can be done here."""
    pause = 0.0
    while _held is not None:
        try:
            _write()
        except ERRORS as error:
            if pause == 0:
                log.warning("The end of run %s is not written yet: %s", _held.run.task_id, error)
            time.sleep(pause)
            pause = min(max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE)


def settle_at_last() -> None:
    """Write what is held, on the way out: after two tries the run is left to those who take back
    what a vanished process owned.
    """
    for _ in range(2):
        try:
            if _held is not None:
                _write()
        except ERRORS as error:
            assert _held is not None
            log.warning("The end of run %s could not be written: %s", _held.run.task_id, error)


def _write() -> None:
    """Write what is held. Raises what the database raises, with the connection closed if it was
    lost; what the database refuses makes the run fail, as when it is not held.
    """
    global _held
    assert _held is not None
    try:
        _held.write()
    except ERRORS as error:
        if not connection.is_usable():
            connection.close()
            raise
        if _held.refused is not None:
            raise
        _held.refused = judge_error(error, traceback=format_exc())
        _held.write()
    _held = None


def _write_instead(run: Run, outcome: Outcome) -> None:
    try:
        finish_attempt(run, outcome)
    except Superseded as error:
        log.warning("%s", error)
