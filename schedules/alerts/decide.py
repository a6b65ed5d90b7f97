"""Whether a run that has ended is worth telling: a pure function of the rule and the facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from uuid import UUID

from schedules.models import AlertRule
from schedules.operations.wording import duration, iso_seconds
from schedules.states import FAILURES, AlertKind, RunState

RAN = FAILURES | {RunState.SUCCEEDED}
"""Outcomes that say something about a job's health; a skipped or cancelled run says nothing."""

LONGEST_CAUSE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What is known of a run that has its outcome."""

    name: str
    """The job's key, or the task of a one-off call."""
    state: RunState
    scheduled_at: datetime
    execution_id: UUID | None = None
    count: int = 1
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cause: str = ""
    suspect_reason: str = ""
    previous: Sequence[RunState] = ()
    """How the job's runs before this one ended, newest first; only outcomes in `RAN`."""
    was_told_slow: bool = False

    @property
    def took(self) -> timedelta | None:
        """How long the body ran; None for a run that never began."""
        if self.started_at is None or self.finished_at is None:
            return None
        return self.finished_at - self.started_at


def could_tell(kind: AlertKind, state: RunState) -> bool:
    """Whether a rule of this kind may have a word about a run with this outcome."""
    match kind:
        case AlertKind.FAILED | AlertKind.FAILING:
            return state in FAILURES
        case AlertKind.LOST:
            return state is RunState.LOST
        case AlertKind.MISSED:
            return state is RunState.MISSED
        case AlertKind.RECOVERED | AlertKind.SUCCEEDED | AlertKind.SUSPECT:
            return state is RunState.SUCCEEDED
        case AlertKind.SLOW | AlertKind.COMPLETED:
            return state in RAN
    return False


def tell(rule: AlertRule, run: Ended) -> str | None:
    """Return the sentence that `rule` has about the run, or None."""
    kind = AlertKind(rule.kind)
    if not could_tell(kind, run.state):
        return None
    failures = len(list(takewhile(lambda state: state in FAILURES, run.previous)))
    match kind:
        case AlertKind.FAILING:
            return _failing(run, failures + 1) if failures + 1 == rule.times else None
        case AlertKind.RECOVERED:
            return _recovered(run, failures) if failures >= rule.times else None
        case AlertKind.SLOW:
            return _slow(run, rule.after)
        case AlertKind.SUSPECT:
            return _sentence(run, "is suspect", run.suspect_reason) if run.suspect_reason else None
    words = run.state.label
    if run.state is RunState.MISSED and run.count > 1:
        words = f"missed {run.count} occurrences"
    elif run.state is RunState.LOST:
        words = "was lost"
    return _sentence(run, words, run.cause)


def is_muted(rule: AlertRule, *, now: datetime) -> bool:
    """Whether somebody has silenced the rule for now."""
    return rule.muted_at is not None and (rule.muted_until is None or rule.muted_until > now)


def _failing(run: Ended, failures: int) -> str:
    words = "failed" if failures == 1 else f"failed {failures} times in a row"
    return _sentence(run, words, run.cause)


def _recovered(run: Ended, failures: int) -> str:
    times = "1 failure" if failures == 1 else f"{failures} failures"
    return _sentence(run, f"recovered after {times}", "")


def _slow(run: Ended, limit: timedelta | None) -> str | None:
    if run.took is None or limit is None or run.took <= limit or run.was_told_slow:
        return None
    return _sentence(run, f"took {duration(run.took)}, more than {duration(limit)}", "")


def _sentence(run: Ended, words: str, cause: str) -> str:
    because = f": {in_one_line(cause)}" if cause else ""
    return f"{run.name} {words} (scheduled at {iso_seconds(run.scheduled_at)}){because}"


def in_one_line(text: str, *, longest: int = LONGEST_CAUSE) -> str:
    """Return the text without line breaks and control characters, and no longer than said."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
