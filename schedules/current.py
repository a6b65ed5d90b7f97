"""The run that this thread is executing, and what its body may do with it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from celery.app.task import Context
from django.db import transaction

from schedules.errors import Superseded
from schedules.finish import finish_attempt, judge
from schedules.journal import LONGEST_LINE, Journal, line_of
from schedules.log_fields import OF_THE_RUN, fields_of
from schedules.models import Run
from schedules.registry import find


class Resend(NamedTuple):
    """A body's wish that the same run goes on as another message: what `retry` and `replace` come
    to.
    """

    due_at: datetime
    message: dict[str, Any]


class CurrentRun:
    """Handed to a body that has a parameter named `run`."""

    def __init__(self, row: Run, request: Context) -> None:
        self.row = row
        self.request = request
        self.resend: Resend | None = None
        self.has_result = False
        self.journal = Journal(row)

    @property
    def task_id(self) -> UUID:
        """The run's stable id, the same over all attempts: use it as idempotency key outside."""
        return self.row.task_id

    @property
    def scheduled_at(self) -> datetime:
        """The nominal instant, in UTC."""
        return self.row.scheduled_at

    @property
    def attempt(self) -> int:
        """Which try this is, from 1."""
        return self.row.attempt

    @property
    def is_last_try(self) -> bool:
        """Whether a failure now is the run's end, since its job's policy has no try left."""
        policy = self.row.job or find(self.row.task)
        return policy is None or self.row.retries >= policy.max_retries

    @contextmanager
    def fenced(self) -> Iterator[None]:
        """Open a short transaction that commits only if this attempt still owns the run.

        Keep it short: on SQLite an open write transaction stops every other writer. Gather first,
        write in batches. Raises Superseded when the run was taken away; let it pass.
        """
        with transaction.atomic():
            owned = Run.objects.owned(run_id=self.row.pk, attempt=self.row.attempt)
            # Locked until commit, so that nobody takes the run between this look and the effects.
            if not owned.select_for_update(no_key=True).values_list("pk", flat=True):
                raise Superseded(self.row.task_id, self.row.attempt)
            yield

    def commit(self, result: Any = None) -> None:
        """End the run with `result` in the caller's transaction, together with its effects.

        Call it inside `fenced()`. What the body returns afterwards is ignored. Raises Superseded,
        and RuntimeError outside a transaction.
        """
        if not transaction.get_connection().in_atomic_block:
            raise RuntimeError(
                "run.commit() outside a transaction: call it inside `with run.fenced():`."
            )
        self.journal.write()
        finish_attempt(self.row, judge(result), request=self.request)
        self.has_result = True

    def is_committed(self) -> bool:
        """Whether `commit` has ended the run, and no rollback has taken that back.

        Asked of the database, because a body may pass over what rolled its transaction back.
        Raises DatabaseError.
        """
        if not self.has_result:
            return False
        owned = Run.objects.owned(run_id=self.row.pk, attempt=self.row.attempt)
        self.has_result = not owned.exists()
        return self.has_result

    def progress(self, done: int, total: int | None = None) -> None:
        """Say how far the work is, as often as you like: it is written every two seconds and with
        the end. It never fails the body.
        """
        self.journal.note_progress(done, total)

    def say(self, text: str) -> None:
        """Add lines to the run's log. What the body logs is there without it."""
        self.journal.add(text)


LONGEST_FIELD = 2 * LONGEST_LINE
"""Characters of an `extra` value that are looked at; fewer are kept, after the secrets went."""


class RunLine(logging.Formatter):
    """A sentence with its `extra` values as key=value, as the log of the process has it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's
        """Return the sentence; the line ends of a value are written out."""
        fields = [
            "\\n".join(field[:LONGEST_FIELD].splitlines())
            for field in fields_of(record)
            if field.partition("=")[0] not in OF_THE_RUN
        ]
        return " ".join([record.message, *fields])


class RunLog(logging.Handler):
    """Copies what a body logs to the log of its run."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(RunLine())

    def emit(self, record: logging.LogRecord) -> None:
        """Add the record to the run of this thread, if it executes one."""
        run = _current.get()
        if run is None or record.name.startswith(QUIET):
            return
        try:
            run.journal.add(line_of(record, self.format(record)))
        except Exception:  # noqa: BLE001 - as every handler of logging does
            self.handleError(record)


QUIET = ("schedules.", "django.db.backends")
"""Loggers whose lines are about the machinery and not about the work."""

_handler = RunLog()


def listen() -> None:
    """Have the lines of every body copied to its run, in this process from now on."""
    root = logging.getLogger()
    if _handler not in root.handlers:  # setting logging up anew takes all handlers away
        root.addHandler(_handler)


_current: ContextVar[CurrentRun | None] = ContextVar("current_run", default=None)


def current_run() -> CurrentRun | None:
    """Return the run that this thread executes, or None outside a job's body."""
    return _current.get()


@contextmanager
def executing(run: CurrentRun) -> Iterator[CurrentRun]:
    """Make `run` the current one for the time of its body, and its log the body's."""
    listen()
    token = _current.set(run)
    try:
        yield run
    finally:
        _current.reset(token)
