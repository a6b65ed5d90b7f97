"""What did not run, or not well: running it after all, or letting it be."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from schedules.access import Source, record
from schedules.errors import InvalidInput, Refused
from schedules.models import Run
from schedules.operations.conditions import BAD
from schedules.operations.retry import retry_run
from schedules.states import RunState

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

LONGEST_REASON = 1000


class NothingToDismiss(Refused):
    """The run asks for nothing."""

    def __init__(self, run: Run) -> None:
        super().__init__(
            f"Run {run.task_id} is {run.state}; only one that was missed, failed, was lost or timed"
            " out, or is suspect, is dismissed."
        )


def may_be_dismissed(run: Run) -> bool:
    """Whether the run asks for something, and nobody has said yet that it needs nothing."""
    return run.dismissed_at is None and (run.state in BAD or bool(run.suspect_reason))


@transaction.atomic
def dismiss_run(
    run: Run,
    *,
    by: "AbstractBaseUser | AnonymousUser | str",
    source: Source,
    now: datetime,
    reason: str,
) -> bool:
    """Note that a run that was missed, went wrong or is suspect needs nothing more, and why; False
    if that was noted before.

    The run keeps its outcome. Raises NothingToDismiss, and InvalidInput without a reason.
    """
    why = reason_to_dismiss(reason)
    if run.state not in BAD and not run.suspect_reason:
        raise NothingToDismiss(run)
    open_ones = Run.objects.filter(pk=run.pk, dismissed_at__isnull=True)
    if not open_ones.update(dismissed_at=now):
        return False
    run.dismissed_at = now
    record("dismiss", subject=f"run:{run.task_id}", actor=by, source=source, now=now, reason=why)
    return True


def reason_to_dismiss(reason: str) -> str:
    """Return the reason without space around it. Raises InvalidInput for none, or a long one."""
    why = reason.strip()
    if not why or len(why) > LONGEST_REASON:
        accepted = f"why nothing has to be done, in 1 to {LONGEST_REASON} characters"
        raise InvalidInput("reason", reason, accepted)
    return why


@transaction.atomic
def run_after_all(
    run: Run,
    *,
    at: datetime | None = None,
    by: "AbstractBaseUser | AnonymousUser | str",
    source: Source,
    now: datetime,
    reason: str = "",
    idempotency_key: str | None = None,
) -> Run:
    """Plan the job once for the nominal time of a run that did not do its work; return the new run.

    Of a row that stands for many occurrences it is its last one, unless `at` names another of
    them. A missed run is dismissed with it. An `idempotency_key` holds as in `retry_run`. Raises
    what that raises, and InvalidInput for an instant outside the row.
    """
    last = run.until or run.scheduled_at
    chosen = last if at is None else at
    if not run.scheduled_at <= chosen <= last:
        accepted = f"an instant from {run.scheduled_at.isoformat()} to {last.isoformat()}"
        raise InvalidInput("at", chosen.isoformat(), accepted)
    again = retry_run(
        run,
        by=by,
        source=source,
        now=now,
        reason=reason,
        scheduled_at=chosen,
        idempotency_key=idempotency_key,
    )
    Run.objects.filter(pk=run.pk, state=RunState.MISSED, dismissed_at__isnull=True).update(
        dismissed_at=now
    )
    return again
