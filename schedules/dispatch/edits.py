"""Bringing edits into force: what was touched is read again, and planned by from then on."""

import logging
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django_celery_beat.models import PeriodicTask

from schedules.adapters.periodic import Reading, read
from schedules.dispatch.plan import due_at_of, next_occurrence, plan_jobs
from schedules.models import Job, ScheduleVersion, Touched
from schedules.states import Owner
from schedules.timing import tzdata_version

log = logging.getLogger(__name__)


def absorb_edits(*, now: datetime, limit: int = 500) -> int:
    """Bring every noted edit into force, as of the time it was made; return how many jobs were
    read.

    The notes and what they lead to are one transaction, so a crash loses none. Several Beats share
    the notes; two of one job are taken one after the other, because each locks the job first and
    reads the periodic task after that.
    """
    if not Touched.objects.exists():
        return 0  # without a transaction: on SQLite each takes the one write lock
    with transaction.atomic():
        touched = _take_notes(limit)
        # A job whose periodic task is gone no longer says which of the notes is its own.
        gone_since = min(now, max(touched.values(), default=now))
        for periodic_task_id, at in sorted(touched.items()):
            job = _job_of(periodic_task_id, gone_since=gone_since)
            if job is not None:
                _bring_up_to_date(job, periodic_task_id, since=min(at, now))
    return len(touched)


def bring_into_force(job: Job, reading: Reading, *, since: datetime, by: str = "") -> bool:
    """Make `reading` what `job` plans by from `since` on; True if its timetable changed.

    An unchanged timetable keeps its next occurrence, so that editing a description loses no run. A
    changed one begins strictly after `since`: an edit never fires the past.
    """
    before = (job.timetable, job.is_enabled, job.one_off, job.invalid_reason)
    job.task = reading.task or job.task
    job.args, job.kwargs = reading.args, reading.kwargs
    job.queue = job.queue if reading.invalid_reason else reading.queue
    job.job_type = reading.job_type or job.job_type
    job.is_enabled = reading.enabled
    job.one_off = reading.one_off
    job.timetable = reading.timetable
    job.interval_anchor = reading.anchor or job.interval_anchor
    job.invalid_reason = reading.invalid_reason
    job.tzdata_version = tzdata_version()
    changed = before != (job.timetable, job.is_enabled, job.one_off, job.invalid_reason)
    begins = changed or job.version == 0
    if begins:
        job.next_run_at = next_occurrence(job, after=since)
        job.next_due_at = due_at_of(job, job.next_run_at)
        job.ledger_from = job.ledger_from or since
        job.version += 1
    job.save()
    if begins:
        write_version(job, since=since, by=by)
    return changed


def _take_notes(limit: int) -> dict[int, datetime]:
    notes = Touched.objects.order_by("id")
    if transaction.get_connection().features.has_select_for_update_skip_locked:
        notes = notes.select_for_update(skip_locked=True)
    taken = list(notes.values_list("id", "periodic_task_id", "at")[:limit])
    if taken:
        Touched.objects.filter(pk__in=[pk for pk, _, _ in taken]).delete()
    return {task_id: at for _, task_id, at in taken}


def _job_of(periodic_task_id: int, *, gone_since: datetime) -> Job | None:
    """Return the job of the periodic task, locked; a new one where somebody else made the task.

    Where the task is gone, the jobs that have lost theirs are retired as of `gone_since`.
    """
    jobs: QuerySet[Job] = Job.objects.select_for_update(no_key=True, of=("self",))
    job = jobs.filter(periodic_task_id=periodic_task_id).first()
    if job is not None:
        return job
    name = PeriodicTask.objects.filter(pk=periodic_task_id).values_list("name", flat=True).first()
    if name is None:
        for orphan in jobs.filter(periodic_task__isnull=True, is_enabled=True):
            _retire(orphan, now=gone_since)
        return None
    Job.objects.bulk_create(
        [Job(key=name, name_en=name, periodic_task_id=periodic_task_id, owner=Owner.OPERATOR)],
        ignore_conflicts=True,
    )
    # The key may be that of a job whose own periodic task is gone: it comes back with this one.
    job = jobs.get(key=name)
    job.periodic_task_id = periodic_task_id
    job.is_active = True
    return job


def _retire(job: Job, *, now: datetime) -> None:
    """End the scheduling of a job whose periodic task was deleted; its history stays.

    A declared job is still there, and says what is wrong with it: the next installation restores
    it.
    """
    plan_jobs([job], now=now)
    job.periodic_task_id = None
    job.is_active = job.owner == Owner.DECLARED
    reason = "Its periodic task was deleted."
    bring_into_force(job, Reading(task=job.task, invalid_reason=reason), since=now)


def _bring_up_to_date(job: Job, periodic_task_id: int, *, since: datetime) -> None:
    reading = read(periodic_task_id, job=job, since=since)
    if reading is None:
        _retire(job, now=since)
        return
    if reading.invalid_reason:
        log.warning(
            "Job %s is invalid: %s",
            job.key,
            reading.invalid_reason,
            extra={"action": "job_invalid"},
        )
    if reading.enabled and reading.timetable != job.timetable:
        # What was due before the edit is still the old timetable's.
        plan_jobs([job], now=since)
    bring_into_force(job, reading, since=since)


def write_version(job: Job, *, since: datetime, by: str) -> None:
    """Note which timetable and policy of the job are in force from `since` on."""
    ScheduleVersion.objects.create(
        job=job,
        number=job.version,
        effective_at=since,
        timetable=job.timetable,
        policy=_policy(job),
        reason=job.invalid_reason,
        changed_by=by,
    )


def _policy(job: Job) -> dict[str, Any]:
    grace = job.misfire_grace
    return {
        "enabled": job.is_enabled,
        "one_off": job.one_off,
        "misfire_grace_seconds": None if grace is None else grace.total_seconds(),
        "coalesce": job.coalesce,
        "jitter_seconds": job.jitter.total_seconds(),
        "max_instances": job.max_instances,
        "overlap": job.overlap,
    }
