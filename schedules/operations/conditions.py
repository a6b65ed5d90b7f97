"""What an operator wants to know of a job at a glance: one word for how it stands."""

from datetime import datetime, timedelta

from django.db.models import TextChoices

from schedules.models import Job
from schedules.states import RunState

LATE_AFTER = timedelta(seconds=15)
"""A tick comes every second; an occurrence this old that nobody has planned yet is late."""

BAD = frozenset({RunState.FAILED, RunState.LOST, RunState.TIMED_OUT, RunState.MISSED})


class Condition(TextChoices):
    """How a job stands, the gravest first."""

    DELETED = "deleted", "deleted"
    INVALID = "invalid", "invalid"
    DISABLED = "disabled", "disabled"
    PAUSED = "paused", "paused"
    LATE = "late", "late"
    FAILING = "failing", "failing"
    SUSPECT = "suspect", "suspect"
    ENDED = "ended", "ended"
    OK = "ok", "ok"


def condition(job: Job, *, last: RunState | str | None, now: datetime) -> Condition:
    """Return the one word that matters most. `last` is the state of its latest finished run.

    Whether that run is suspect is not looked at; `attention` does.
    """
    paused = job.is_paused and (job.paused_until is None or job.paused_until > now)
    late = job.next_due_at is not None and job.next_due_at < now - LATE_AFTER
    answers = (
        (not job.is_active, Condition.DELETED),
        (bool(job.invalid_reason), Condition.INVALID),
        (not job.is_enabled, Condition.DISABLED),
        (paused, Condition.PAUSED),
        (late, Condition.LATE),
        (last in BAD, Condition.FAILING),
        (job.next_run_at is None, Condition.ENDED),
    )
    return next((word for is_so, word in answers if is_so), Condition.OK)
