"""What a run ended as, and how the two logs (ours and Celery's) say it."""

from typing import Any, NamedTuple

from billiard.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded
from celery.exceptions import TaskRevokedError

from schedules.errors import ReportedFailure, SkipRun
from schedules.redaction import redact
from schedules.states import RunState

MOST_CHARACTERS = 10_000
"""Longest error and summary kept on a run; the whole traceback is the task result's."""


class Outcome(NamedTuple):
    """An outcome with everything that is written about it."""

    state: RunState
    value: Any = None
    error: BaseException | None = None
    traceback: str | None = None
    reason: str = ""

    @property
    def error_text(self) -> str:
        """The exception in one line, as the log shows it; empty if there was none."""
        if self.error is None:
            return ""
        text = f"{type(self.error).__name__}: {self.error}"[: 2 * MOST_CHARACTERS]
        return redact(text)[:MOST_CHARACTERS]

    @property
    def summary(self) -> str:
        """The result's own `message`, else its beginning."""
        value = self.error.data if isinstance(self.error, ReportedFailure) else self.value
        if isinstance(value, dict):
            for name in ("message", "summary"):
                if isinstance(value.get(name), str):
                    return redact(str(value[name])[: 2 * MOST_CHARACTERS])[:MOST_CHARACTERS]
        return "" if value is None else redact(repr(value)[:1000])[:200]

    def as_exception(self) -> BaseException:
        """The exception that a waiting `AsyncResult.get()` raises for this outcome."""
        if self.error is not None:
            return self.error
        return TaskRevokedError(self.reason or self.state.label)


def judge(value: Any) -> Outcome:
    """Return the outcome of a body that returned `value`: only an explicit false success is a
    failure.
    """
    if isinstance(value, dict) and value.get("success") is False:
        message = str(value.get("message") or "The task reported no success.")
        return Outcome(state=RunState.FAILED, error=ReportedFailure(message, value))
    return Outcome(state=RunState.SUCCEEDED, value=value)


def judge_error(error: BaseException, *, traceback: str) -> Outcome:
    """Return the outcome of a body that raised `error`."""
    if isinstance(error, SkipRun):
        return Outcome(state=RunState.SKIPPED, reason=redact(error.reason))
    if isinstance(error, (SoftTimeLimitExceeded, TimeLimitExceeded)):
        return Outcome(state=RunState.TIMED_OUT, error=error, traceback=traceback)
    return Outcome(state=RunState.FAILED, error=error, traceback=traceback)
