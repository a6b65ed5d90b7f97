"""Running a run once more."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from schedules.access import Source, actor_name, record
from schedules.adapters.validation import check_arguments
from schedules.conf import options
from schedules.dispatch import publish_after_commit
from schedules.errors import JobDeleted, Refused
from schedules.models import Run
from schedules.operations.idempotency import OPTION, intention_of, run_made_before
from schedules.states import FINAL, Origin, RunState

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


OF_THE_RUN = ("on_lost", "exclusive", "time_limit", "soft_time_limit")
"""Options that say how a run runs; what followed it once does not follow again."""


class NotEnded(Refused):
    """The run has no outcome yet."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"Run {run.task_id} is {run.state}; only one that has ended is retried.")


@transaction.atomic
def retry_run(
    run: Run,
    *,
    by: "AbstractBaseUser | AnonymousUser | str",
    source: Source,
    now: datetime,
    reason: str = "",
    scheduled_at: datetime | None = None,
    idempotency_key: str | None = None,
) -> Run:
    """Plan a new run of the same task, arguments and nominal time, and return it.

    `scheduled_at` names another nominal time: one of the many of a row that stands for a range. The
    old run keeps its outcome and is the new one's parent. The same call with an `idempotency_key`
    that was used before returns the run of that time. Raises NotEnded, JobDeleted, and InvalidInput
    when the task no longer takes the arguments and for a key that was used for something else.
    """
    intention = intention_of("retry", run.task_id, scheduled_at)
    if idempotency_key is not None:
        # Of two calls at once the second waits here for the first one's commit.
        Run.objects.select_for_update(no_key=True).get(pk=run.pk)
        before = run_made_before(idempotency_key, intention)
        if before is not None:
            return before
    again = run_again(run, by=by, now=now, scheduled_at=scheduled_at)
    again.publish_at = now + options().send_again_after
    again.state, again.sends = RunState.SENT, 1
    if idempotency_key is not None:
        again.idempotency_key = idempotency_key
        again.options |= {OPTION: intention}
    again.save()
    record(
        "retry",
        subject=f"run:{run.task_id}",
        actor=by,
        source=source,
        now=now,
        after={"executionId": str(again.task_id)},
        reason=reason,
    )
    publish_after_commit(again)
    return again


def run_again(
    run: Run,
    *,
    by: "AbstractBaseUser | AnonymousUser | str",
    now: datetime,
    scheduled_at: datetime | None = None,
) -> Run:
    """Return the new run, not saved yet, which the outbox sends at once. Raises as `retry_run`."""
    if run.state not in FINAL:
        raise NotEnded(run)
    if run.job is not None and not run.job.is_active:
        raise JobDeleted(run.job.key)
    check_arguments(run.task, run.args, run.kwargs)
    return Run(
        job=run.job,
        job_key=run.job_key,
        origin=Origin.OPERATOR,
        task=run.task,
        args=run.args,
        kwargs=run.kwargs,
        options={name: run.options[name] for name in OF_THE_RUN if name in run.options},
        scheduled_at=scheduled_at or run.scheduled_at,
        due_at=now,
        publish_at=now,
        priority=run.priority,
        queue=run.queue,
        requested_by=actor_name(by),
        parent_id=run.task_id,
    )
