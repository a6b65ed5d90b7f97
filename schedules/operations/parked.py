"""Moving a parked one-off call on a person's word, and the five numbers of the last recovery."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from schedules.access import Source, record
from schedules.dispatch import move_parked
from schedules.errors import InvalidInput, Refused
from schedules.models import Run
from schedules.operations.decided import check_undecided
from schedules.states import BY_ITSELF, UNSENT

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


class NotParked(Refused):
    """The run does not wait for its time (any more)."""

    def __init__(self, run: Run) -> None:
        super().__init__(
            f"Run {run.task_id} is {run.state}; only a one-off call that still waits is moved."
        )


def is_parked(run: Run) -> bool:
    """Whether the run is a one-off call that waits in the database."""
    return run.state in UNSENT and run.origin not in BY_ITSELF


@transaction.atomic
def move_run(
    run: Run,
    *,
    at: datetime,
    by: "AbstractBaseUser | AnonymousUser | str",
    source: Source,
    now: datetime,
    reason: str = "",
) -> Run:
    """Let a parked one-off call be due at the aware instant `at` instead, and return it.

    Raises NotParked for one that was taken or has ended, DecidedByRow for one that follows a row,
    and InvalidInput for an instant that has passed.
    """
    if at <= now:
        raise InvalidInput("due_at", at.isoformat(), "an instant in the future")
    before = run.due_at
    if is_parked(run):
        check_undecided(run)
    if not is_parked(run) or not move_parked(run, at=at):
        run.refresh_from_db(fields=["state"])
        raise NotParked(run)
    moved: dict[str, Any] = {"due_at": at}
    record(
        "move",
        subject=f"run:{run.task_id}",
        actor=by,
        source=source,
        now=now,
        before={"due_at": before},
        after=moved,
        reason=reason,
    )
    return run
