"""Running a job now, beside its timetable."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from schedules import tracing
from schedules.access import Source, record
from schedules.adapters.validation import check_arguments
from schedules.conf import options
from schedules.dispatch import publish_after_commit
from schedules.errors import JobDeleted, JobDisabled, JobInvalid, Refused
from schedules.finish import options_of
from schedules.models import Job, Run
from schedules.operations.edit import Outdated
from schedules.operations.idempotency import OPTION, intention_of, run_made_before
from schedules.states import Origin, Overlap, RunState


class JobBusy(Refused):
    """As many runs of the job as may run at once are running, and overlap is skipped."""

    def __init__(self, key: str, running: Run) -> None:
        self.running = running
        super().__init__(
            f"Job {key!r} is running as {running.task_id}, and it may not overlap itself."
            " Wait for its end, or change its overlap or its maxInstances."
        )


@tracing.traced("trigger")
@transaction.atomic
def trigger(
    job: Job,
    *,
    now: datetime,
    by: str,
    source: Source,
    reason: str = "",
    even_if_disabled: bool = False,
    kwargs: Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
    versions: Collection[int] | None = None,
) -> Run:
    """Plan one extra run of `job` for `now` and return it; its timetable does not change.

    The run is sent after the caller's transaction has committed. The same call with an
    `idempotency_key` that was used before returns the run of that time and plans nothing new,
    however the job stands by then. Raises JobDeleted, Outdated unless the job is at one of
    `versions`, JobInvalid, JobBusy, JobDisabled unless `even_if_disabled`, and InvalidInput for
    arguments that do not fit and for an idempotency key that was used for something else.
    """
    intention = intention_of("trigger", job.pk, dict(kwargs or {}))
    if idempotency_key is not None or versions is not None:
        # Of two calls at once the second waits here for the first one's commit.
        job = Job.objects.select_for_update(no_key=True).get(pk=job.pk)
    if idempotency_key is not None:
        before = run_made_before(idempotency_key, intention)
        if before is not None:
            return before
    if not job.is_active:
        raise JobDeleted(job.key)
    if versions is not None and job.version not in versions:
        raise Outdated(job.key, job.version)
    if job.invalid_reason:
        raise JobInvalid(job.key, job.invalid_reason)
    if not job.is_enabled and not even_if_disabled:
        raise JobDisabled(job.key)
    arguments = {**job.kwargs, **(kwargs or {})}
    check_arguments(job.task, job.args, arguments)
    _check_room(job)
    asked = {} if idempotency_key is None else {OPTION: intention}
    run = Run.objects.create(
        job=job,
        job_key=job.key,
        origin=Origin.OPERATOR,
        task=job.task,
        args=job.args,
        kwargs=arguments,
        options=options_of(job) | tracing.carried() | asked,
        scheduled_at=now,
        due_at=now,
        publish_at=now + options().send_again_after,
        state=RunState.SENT,
        sends=1,
        priority=job.priority,
        queue=job.queue,
        idempotency_key=idempotency_key,
        requested_by=by,
    )
    record(
        "trigger",
        subject=f"job:{job.key}",
        actor=by,
        source=source,
        now=now,
        after={"executionId": str(run.task_id), "args": run.args, "kwargs": arguments},
        reason=reason,
    )
    publish_after_commit(run)
    return run


def _check_room(job: Job) -> None:
    if job.overlap != Overlap.SKIP:
        return
    running = list(Run.objects.running().filter(job=job)[: job.max_instances])
    if len(running) == job.max_instances:
        raise JobBusy(job.key, running[0])
