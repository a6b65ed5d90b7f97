"""The watch over the declared jobs: what may be repaired is, what else is found is reported.

Repaired is only what a fault can have done: a row that is gone, a next occurrence that got lost.
What a person can have meant is reported and stays; that includes a deletion on
django-celery-beat's own page or by SQL, which the triggers have noted. Gone without a note is what
a restored backup, or a TRUNCATE, leaves.
"""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef
from django_celery_beat.models import PeriodicTask

from schedules.access import record
from schedules.dispatch import absorb_edits
from schedules.dispatch.upcoming import due_at_of, next_occurrence
from schedules.models import Job
from schedules.operations.findings import job_findings, run_findings
from schedules.operations.install import install_declared
from schedules.operations.wording import iso_seconds
from schedules.registry import all_declared

ACTOR = "monitor_jobs"


@dataclass(kw_only=True)
class Watch:
    """What was found. Each line is a sentence that begins with the job's key."""

    checked: int = 0
    repaired: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    left_alone: list[str] = field(default_factory=list)


def watch_jobs(*, now: datetime) -> Watch:
    """Check every declared job with a timetable, repair what may be repaired, return it all.

    Repairs leave an entry in the audit record. Safe to repeat.
    """
    declared = [d.key for d in all_declared() if d.timetable is not None]
    watch = Watch(checked=len(declared))
    _restore_missing(declared, watch, now=now)
    for job in Job.objects.filter(key__in=declared).order_by("key"):
        _check(job, watch, now=now)
    wrong = [*job_findings(Job.objects.filter(key__in=declared), now=now), *run_findings(now=now)]
    watch.problems += [f"{finding.found}." for finding in wrong]
    return watch


def _restore_missing(declared: list[str], watch: Watch, *, now: datetime) -> None:
    absorb_edits(now=now)  # deletions among them
    rows = Job.objects.filter(key__in=declared)
    # Asked of the table itself: raw SQL can delete a periodic task and leave its number here.
    has_task = Exists(PeriodicTask.objects.filter(pk=OuterRef("periodic_task_id")))
    # Without a declaration a Beat has made the row, for a periodic task whose job was lost.
    whole = rows.filter(has_task, declared__isnull=False)
    complete = set(whole.values_list("key", flat=True))
    deleted = set(rows.filter(is_active=False).values_list("key", flat=True))
    missing = sorted(set(declared) - complete - deleted)
    if not missing:
        return
    with transaction.atomic():
        install_declared(now=now)
        for key in missing:
            record("restore", subject=f"job:{key}", actor=ACTOR, source="repair", now=now)
    watch.repaired += [f"{key} was missing and is back." for key in missing]


def _check(job: Job, watch: Watch, *, now: datetime) -> None:
    if not job.is_active:
        watch.left_alone.append(f"{job.key} was deleted by a person.")
    elif not job.is_enabled:
        watch.left_alone.append(f"{job.key} is disabled.")
    elif not job.invalid_reason:
        if job.is_paused and (job.paused_until is None or job.paused_until > now):
            end = f" until {iso_seconds(job.paused_until)}" if job.paused_until else ""
            watch.left_alone.append(f"{job.key} is paused{end}: {job.pause_reason or 'no reason'}.")
        _check_next(job, watch, now=now)


def _check_next(job: Job, watch: Watch, *, now: datetime) -> None:
    if job.next_run_at is None:
        _give_next(job.pk, watch, now=now)
    elif job.next_due_at is None:
        _give_due(job.pk, watch, now=now)


@transaction.atomic
def _give_next(job_id: int, watch: Watch, *, now: datetime) -> None:
    # Locked and read again: a Beat may have planned it, or a person disabled it, meanwhile.
    job = Job.objects.select_for_update(no_key=True, of=("self",)).get(pk=job_id)
    if job.next_run_at is not None or not (job.is_enabled and job.is_active):
        return
    upcoming = next_occurrence(job, after=now)
    if upcoming is None:
        watch.left_alone.append(f"{job.key} has no next run: its timetable has ended.")
        return
    _set_next(job, upcoming, "its next run was lost", now=now)
    watch.repaired.append(f"{job.key} had no next run; it is {iso_seconds(upcoming)} now.")


@transaction.atomic
def _give_due(job_id: int, watch: Watch, *, now: datetime) -> None:
    job = Job.objects.select_for_update(no_key=True, of=("self",)).get(pk=job_id)
    if job.next_run_at is None:
        return
    _set_next(job, job.next_run_at, "it would not have been planned for its next run", now=now)
    watch.repaired.append(
        f"{job.key} would have missed {iso_seconds(job.next_run_at)}; now it runs."
    )


def _set_next(job: Job, instant: datetime, reason: str, *, now: datetime) -> None:
    before = {"next_run_at": job.next_run_at, "next_due_at": job.next_due_at}
    after = {"next_run_at": instant, "next_due_at": due_at_of(job, instant)}
    Job.objects.filter(pk=job.pk).update(**after)
    record(
        "restore_next_run",
        subject=f"job:{job.key}",
        actor=ACTOR,
        source="repair",
        now=now,
        before=before,
        after=after,
        reason=reason,
    )
