"""Planning: one transaction that turns due jobs into runs and moves the jobs on."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid5

from django.db import transaction
from django_celery_beat.models import PeriodicTask

from schedules.conf import options
from schedules.dispatch.decide import Planned, Policy, decide, jitter_of
from schedules.lease import instance_id
from schedules.models import GlobalPause, Job, Run
from schedules.signals import run_finished
from schedules.states import FINAL, Origin, RunState
from schedules.timing import from_spec

OCCURRENCES = UUID("6f0f6a3e-4a63-4c57-9d0c-0d6f0e1c8f4b")
"""Namespace of execution ids: one occurrence has one id, however often it is planned."""


def plan_due(*, now: datetime) -> list[Run]:
    """Write the runs of every due job and move each job on; return those to tell the broker about.

    Nothing is sent here. The caller publishes after this transaction has committed; what it does
    not get round to, the outbox brings up again. Several Beats plan side by side: each locks its
    own jobs.
    """
    if not Job.objects.due(now).exists():
        return []  # without a transaction: on SQLite each takes the one write lock
    with transaction.atomic():
        return plan_jobs(list(Job.objects.due(now).locked()[: options().plan_batch]), now=now)


def plan_jobs(jobs: Sequence[Job], *, now: datetime) -> list[Run]:
    """Plan what is due of the given jobs, which the caller has locked."""
    everything = _global_pause()
    rows: list[Run] = []
    for job in jobs:
        rows += _plan(job, now=now, paused=_pause(job, now) or everything)
    # A conflict means that the occurrence has its run already; it keeps it, under the same id.
    Run.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
    Job.objects.bulk_update(jobs, ["next_run_at", "next_due_at"], batch_size=500)
    _disable_spent(jobs)
    ended = [run.task_id for run in rows if run.state in FINAL]
    if ended:
        transaction.on_commit(partial(_announce, ended), robust=True)
    return [run for run in rows if run.state == RunState.PLANNED]


def policy_of(job: Job, *, halted: str = "") -> Policy:
    """Return what planning needs to know of the job's policy."""
    return Policy(
        misfire_grace=job.misfire_grace,
        coalesce=job.coalesce,
        jitter=job.jitter,
        one_off=job.one_off,
        halted=halted,
    )


def due_at_of(job: Job, instant: datetime | None) -> datetime | None:
    """Return when Beat has to look at the occurrence at `instant`."""
    return (
        None if instant is None else instant + jitter_of(job.jitter, seed=job.key, instant=instant)
    )


def _plan(job: Job, *, now: datetime, paused: str) -> list[Run]:
    if job.next_run_at is None or job.timetable is None:
        return []
    decision = decide(
        from_spec(job.timetable),
        policy_of(job, halted=paused),
        seed=job.key,
        next_run_at=job.next_run_at,
        now=now,
        most=options().most_occurrences,
    )
    job.next_run_at = decision.next_run_at
    job.next_due_at = due_at_of(job, decision.next_run_at)
    again_at = now + options().send_again_after
    return [_row(job, planned, now, again_at) for planned in decision.rows]


def _row(job: Job, planned: Planned, now: datetime, again_at: datetime) -> Run:
    to_run = planned.state is RunState.PLANNED
    return Run(
        job=job,
        job_key=job.key,
        origin=Origin.TIMETABLE,
        task_id=uuid5(OCCURRENCES, f"{job.pk} {planned.scheduled_at.isoformat()}"),
        task=job.task,
        args=job.args,
        kwargs=job.kwargs,
        scheduled_at=planned.scheduled_at,
        until=planned.until,
        count=planned.count,
        due_at=planned.due_at,
        expires_at=planned.expires_at,
        state=planned.state,
        reason=planned.reason,
        priority=job.priority,
        queue=job.queue,
        instance_id=instance_id(),
        # This Beat publishes at once; if it dies first, another finds the run here.
        publish_at=again_at if to_run else None,
        sends=1 if to_run else 0,
        finished_at=None if to_run else now,
    )


def _announce(task_ids: Sequence[UUID]) -> None:
    """Tell the receivers of `run_finished` about occurrences that ended as they were planned."""
    ended = Run.objects.filter(task_id__in=task_ids).values_list("pk", "state")
    for run_id, state in ended:
        run_finished.send_robust(sender=Run, run_id=run_id, state=RunState(state))


def _disable_spent(jobs: Sequence[Job]) -> None:
    """A one-off that has had its occurrence is disabled, on the stock admin's page too."""
    spent = [job for job in jobs if job.one_off and job.next_run_at is None]
    if spent:
        Job.objects.filter(pk__in=[job.pk for job in spent]).update(is_enabled=False)
        PeriodicTask.objects.filter(pk__in=[job.periodic_task_id for job in spent]).update(
            enabled=False
        )


def halted(job: Job, *, now: datetime) -> str:
    """Say in words why nothing of the job's timetable may run at `now`; empty if it may."""
    if not job.is_active:
        return "its job is deleted"
    if not job.one_off and not (
        job.is_enabled and job.periodic_task is not None and job.periodic_task.enabled
    ):
        return "its job is disabled"
    return _pause(job, now) or _global_pause()


def _pause(job: Job, now: datetime) -> str:
    if job.paused_at is None or (job.paused_until is not None and job.paused_until <= now):
        return ""
    until = f" until {job.paused_until:%FT%TZ}" if job.paused_until else ""
    why = f": {job.pause_reason}" if job.pause_reason else ""
    return f"paused by {job.paused_by or 'an operator'}{until}{why}"


def _global_pause() -> str:
    pause = GlobalPause.objects.filter(ended_at__isnull=True).values_list("reason", "by").first()
    if pause is None:
        return ""
    reason, by = pause
    return f"everything is paused by {by or 'an operator'}{f': {reason}' if reason else ''}"


def next_occurrence(job: Job, *, after: datetime) -> datetime | None:
    """Return the first occurrence of the timetable in force strictly later than `after`."""
    if job.timetable is None or not (job.is_enabled and job.is_active):
        return None
    return from_spec(job.timetable).next_after(after)


def latest_sleep(*, now: datetime) -> timedelta:
    """Return how long Beat may sleep: until something is due, and no longer than configured."""
    longest = options().longest_sleep
    due = Job.objects.filter(next_due_at__isnull=False).order_by("next_due_at")
    instants = [due.values_list("next_due_at", flat=True).first()]
    outbox = Run.objects.waiting().order_by("publish_at")
    instants.append(outbox.values_list("publish_at", flat=True).first())
    waits: list[timedelta] = [max(i - now, timedelta(0)) for i in instants if i is not None]
    return min([longest, *waits])
