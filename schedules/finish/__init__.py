"""The only terminal write.

Tracer, result backend, claim, reaper and cancel all end a run here: state, attempt, TaskResult, the
chord's count and everything that follows are one transaction, and it happens only while the writer
still owns the run. Nobody can end a run twice, and nobody can end it half.
"""

from schedules.finish.attempt import (
    TAKEN_BACK_WITHIN,
    finish_attempt,
    grace_of,
    lose_attempt,
    resend_attempt,
)
from schedules.finish.context import has_follow_ups, message_context, message_fields
from schedules.finish.dependents import options_of
from schedules.finish.outcome import Outcome, judge, judge_error
from schedules.finish.waiting import finish_all_waiting, finish_waiting, judge_expired

__all__ = [
    "TAKEN_BACK_WITHIN",
    "Outcome",
    "finish_all_waiting",
    "finish_attempt",
    "finish_waiting",
    "grace_of",
    "has_follow_ups",
    "judge",
    "judge_error",
    "judge_expired",
    "lose_attempt",
    "message_context",
    "message_fields",
    "options_of",
    "resend_attempt",
]
