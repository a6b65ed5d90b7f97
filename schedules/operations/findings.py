"""What is wrong with jobs and runs, said once: for `scheduler doctor` and for `monitor_jobs`."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from celery import current_app
from django.db.models import Exists, OuterRef, QuerySet

from schedules.models import Instance, Job, Run
from schedules.operations.conditions import LATE_AFTER
from schedules.operations.wording import iso_seconds

PATIENCE = timedelta(minutes=10)
"""How long after its time a run may wait for a worker before somebody should look."""

USUAL_LIMIT_SECONDS = 3600
"""How long a run may take where neither its job nor Celery's task_time_limit says it."""

MOST_LINES = 50
"""Findings of one kind that are reported; a thousand stuck runs have one cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong."""

    check: str
    found: str
    """A sentence without its full stop."""
    remedy: str


def job_findings(jobs: QuerySet[Job], *, now: datetime) -> list[Finding]:
    """Return what is wrong with those of the jobs that are enabled."""
    enabled = jobs.filter(is_active=True, is_enabled=True).order_by("key")
    invalid = enabled.exclude(invalid_reason="")
    late = enabled.filter(invalid_reason="", next_due_at__lt=now - LATE_AFTER)
    flagged = jobs.filter(is_active=True).exclude(flagged_reason="").order_by("key")
    return [
        *(
            Finding(
                check="invalid",
                found=f"{job.key} cannot run: {job.invalid_reason.rstrip('.')}",
                remedy="change its timetable, task or arguments",
            )
            for job in invalid[:MOST_LINES]
        ),
        *(
            Finding(
                check="late",
                found=f"{job.key} was due at {iso_seconds(job.next_due_at or now)} and nobody has"
                " planned it",
                remedy="see whether a Beat is alive",
            )
            for job in late[:MOST_LINES]
        ),
        *(
            Finding(
                check="flagged",
                found=f"{job.key} needs a look: {job.flagged_reason.rstrip('.')}",
                remedy="look at its last runs",
            )
            for job in flagged[:MOST_LINES]
        ),
    ]


def run_findings(*, now: datetime) -> list[Finding]:
    """Return which runs wait or run for too long."""
    return [*_waiting_too_long(now=now), *_running_too_long(now=now)]


def _waiting_too_long(*, now: datetime) -> list[Finding]:
    late = Run.objects.waiting().filter(due_at__lt=now - PATIENCE)
    return [
        Finding(
            check="waiting",
            found=f"{run.job_key or run.task} waits for a worker since {iso_seconds(run.due_at)}"
            f" (run {run.task_id})",
            remedy="see whether a worker takes its queue",
        )
        for run in late.order_by("due_at")[:MOST_LINES]
    ]


def _running_too_long(*, now: datetime) -> list[Finding]:
    """Runs beyond their time limit whose worker lives; those of dead workers are taken back."""
    usual = timedelta(seconds=current_app.conf.task_time_limit or USUAL_LIMIT_SECONDS)
    alive = Exists(Instance.objects.filter(pk=OuterRef("instance_id")).alive(now))
    findings = []
    for run in Run.objects.running().filter(alive).select_related("job").order_by("started_at"):
        limit = (run.job.time_limit if run.job else None) or usual
        if run.started_at is not None and run.started_at + limit + PATIENCE < now:
            since = iso_seconds(run.started_at)
            findings.append(
                Finding(
                    check="stuck",
                    found=f"{run.job_key or run.task} is stuck: running since {since}"
                    f" (run {run.task_id})",
                    remedy="revoke it with terminate=True, or end its worker",
                )
            )
    return findings[:MOST_LINES]
