"""Runs of the jobs that run after another: planned in the transaction in which that one ends."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from schedules.halts import barred
from schedules.models import Dependency, Job, Run
from schedules.querysets.clock import database_now
from schedules.states import NEVER_RAN, After, Origin, RunState

AFTER_RUNS = UUID("0d4c5a5e-6ad1-4b8e-9a55-6f2f0c7b7f0e")
"""Namespace of their ids: after one run a job runs once, however often that is planned."""

LEAST_GRACE = timedelta(seconds=2)


def plan_dependents(run: Run, state: RunState) -> None:
    """Plan one run of every job that is to run after this one, whose outcome is `state`.

    It stands for the same nominal instant and begins now. Where its job may not run, its row says
    why. Nothing follows a run that never ran (missed, skipped, cancelled). Beat sends what is
    planned here.
    """
    if run.job_id is None or state in NEVER_RAN:
        return
    wanted = [After.ENDED, After.SUCCEEDED if state is RunState.SUCCEEDED else After.FAILED]
    following = Dependency.objects.filter(
        upstream_id=run.job_id, until__isnull=True, on__in=wanted
    ).select_related("job__periodic_task")
    rows = [_run_after(run, dependency.job) for dependency in following]
    if rows:
        Run.objects.bulk_create(rows, ignore_conflicts=True)


def options_of(job: Job) -> dict[str, Any]:
    """Return what the job's runs keep beside their arguments: its own time limits, and whether they
    are exclusive.
    """
    options: dict[str, Any] = {}
    if job.time_limit:
        options["time_limit"] = job.time_limit.total_seconds()
    if soft := job.soft_time_limit or job.time_limit:
        options["soft_time_limit"] = soft.total_seconds()
    if job.exclusive:
        options["exclusive"] = True
    return options


def _run_after(run: Run, job: Job) -> Run:
    now = database_now()
    reason = barred(job, now=now)
    grace = job.misfire_grace
    return Run(
        job=job,
        job_key=job.key,
        origin=Origin.DEPENDENCY,
        task_id=uuid5(AFTER_RUNS, f"{job.pk} {run.task_id}"),
        task=job.task,
        args=job.args,
        kwargs=job.kwargs,
        options=options_of(job),
        scheduled_at=run.scheduled_at,
        due_at=now,
        expires_at=None if grace is None else now + max(grace, LEAST_GRACE),
        publish_at=None if reason else now,
        state=RunState.SKIPPED if reason else RunState.PLANNED,
        finished_at=now if reason else None,
        reason=reason or f"after {run.job_key} at {run.scheduled_at:%FT%TZ}",
        priority=job.priority,
        queue=job.queue,
        parent_id=run.task_id,
    )
