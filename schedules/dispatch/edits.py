"""Bringing edits into force: what was touched is read again, and planned by from then on."""

import logging
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef
from django_celery_beat.models import PeriodicTask

from schedules.access import record
from schedules.adapters.periodic import Reading, read
from schedules.dispatch.broken import BROKEN, load
from schedules.dispatch.changes import void_changes
from schedules.dispatch.given import gives_other, take_given
from schedules.dispatch.plan import settle
from schedules.dispatch.upcoming import due_at_of, flag_of, next_occurrence
from schedules.dispatch.versions import decided_until, write_version
from schedules.dispatch.zone_data import release
from schedules.models import Job, TaskFunction, Touched
from schedules.querysets.held import Held, lock_all
from schedules.querysets.statements import row_of
from schedules.registry.keys import key_for
from schedules.states import Owner

log = logging.getLogger(__name__)

LONGEST_KEY = 200
"""What a job's key can hold, and a periodic task's name."""


def absorb_edits(*, now: datetime, limit: int = 500) -> int:
    """Bring every noted edit into force, as of the time it was made; return how many jobs were
    read.

    The notes and what they lead to are one transaction, so a crash loses none. Several Beats share
    the notes; two of one job are taken one after the other, because each locks the job first and
    reads the periodic task after that. Those of a job that another transaction holds wait for its
    end.
    """
    with transaction.atomic():
        notes = _take_notes(limit)
        touched = {task_id: at for _, task_id, at in notes}  # the latest of each counts
        # A job whose periodic task is gone no longer says which of the notes is its own.
        gone_since = min(now, max(touched.values(), default=now))
        held: set[int] = set()
        for periodic_task_id, at in sorted(touched.items()):
            try:
                job = _job_of(periodic_task_id, gone_since=gone_since)
            except Held:
                held.add(periodic_task_id)
                continue
            if job is not None:
                _bring_up_to_date(job, periodic_task_id, since=min(at, now))
        done = [pk for pk, task_id, _ in notes if task_id not in held]
        if done:
            Touched.objects.filter(pk__in=done).delete()
    return len(touched) - len(held)


def note_orphans(names: Collection[str], *, now: datetime) -> int:
    """Note the periodic tasks of these names that no job has; return how many there are.

    None of them was touched: their jobs have been lost since.
    """
    of_a_job = Job.objects.filter(periodic_task_id=OuterRef("pk"))
    orphans = PeriodicTask.objects.filter(~Exists(of_a_job), name__in=list(names))
    notes = [Touched(periodic_task_id=pk, at=now) for pk in orphans.values_list("pk", flat=True)]
    return len(Touched.objects.bulk_create(notes))


def read_invalid_again(*, now: datetime, limit: int = 200) -> int:
    """Bring jobs into force that could not be read when they were edited and can be now; return
    how many.

    While two versions of the code run side by side, a Beat of the older one may have read a job of
    the newer one.
    """
    unreadable = Job.objects.filter(timetable__isnull=True).exclude(invalid_reason="")
    unreadable = unreadable.filter(is_active=True, periodic_task__enabled=True)
    unreadable = unreadable.exclude(invalid_reason__startswith=BROKEN)
    if not unreadable.exists():
        return 0  # what reads whole rows is four times as wide
    mended = 0
    for job in load(unreadable.order_by("pk")[:limit], now=now):
        assert job.periodic_task_id is not None
        reading = read(job.periodic_task_id, job=job, since=now)
        if reading is None or reading.invalid_reason:
            continue
        with suppress(Held), transaction.atomic():
            locked = _job_of(job.periodic_task_id, gone_since=now)
            if locked is not None:
                _bring_up_to_date(locked, job.periodic_task_id, since=now)
                mended += 1
    return mended


def bring_into_force(job: Job, reading: Reading, *, since: datetime, by: str = "") -> bool:
    """Make `reading` what `job` plans by from `since` on; True if its timetable changed.

    An unchanged timetable keeps its next occurrence, so that editing a description loses no run. A
    changed one begins strictly after `since`, or after what another Beat has planned meanwhile: an
    edit never fires the past. What was due of the old one up to then the caller has settled. A
    changed policy alone holds for what follows.
    """
    before = (job.timetable, job.is_enabled, job.one_off, job.invalid_reason)
    was, job.task = job.task, reading.task or job.task
    if job.task != was or job.task_function_id is None:
        job.task_function = TaskFunction.objects.filter(task=job.task).first()
    job.args, job.kwargs = reading.args, reading.kwargs
    job.queue = job.queue if reading.invalid_reason else reading.queue
    is_other_policy = take_given(job, reading)
    job.job_type = reading.job_type or job.job_type
    job.is_enabled = reading.enabled
    job.one_off = reading.one_off
    job.timetable = reading.timetable
    job.interval_anchor = reading.anchor or job.interval_anchor
    job.invalid_reason = reading.invalid_reason
    changed = before != (job.timetable, job.is_enabled, job.one_off, job.invalid_reason)
    begins = changed or job.version == 0
    if begins:
        since = max(since, decided_until(job) or since) if job.pk else since
        job.tzdata_version = release()
        void_changes(job, now=since)
        job.next_run_at = next_occurrence(job, after=since)
        job.next_due_at = due_at_of(job, job.next_run_at)
        job.flagged_reason = flag_of(job)
        job.ledger_from = job.ledger_from or since
    elif is_other_policy:
        since = max(since, decided_until(job) or since)
    if begins or is_other_policy:
        job.version += 1
    job.save()
    if begins or is_other_policy:
        write_version(job, since=since, by=by)
    return changed


def _take_notes(limit: int) -> list[tuple[int, int, datetime]]:
    """Lock the oldest notes that no other Beat holds; each is its number, the periodic task's, and
    when that was touched.
    """
    notes = Touched.objects.order_by("id")
    if transaction.get_connection().features.has_select_for_update_skip_locked:
        notes = notes.select_for_update(skip_locked=True)
    return list(notes.values_list("id", "periodic_task_id", "at")[:limit])


def _job_of(periodic_task_id: int, *, gone_since: datetime) -> Job | None:
    """Return the job of the periodic task, locked; a new one where somebody else made the task.

    Where the task is gone, the jobs that have lost theirs are retired as of `gone_since`. Raises
    Held, and has written nothing, where another transaction holds one that is wanted.
    """
    mine = Job.objects.filter(periodic_task=periodic_task_id)
    own = load(mine, now=gone_since, by=partial(_own, periodic_task_id))
    if own:
        return own[0]
    if mine.exists():
        raise Held
    name = PeriodicTask.objects.filter(pk=periodic_task_id).values_list("name", flat=True).first()
    if name is None:
        orphans = Job.objects.filter(periodic_task__isnull=True, is_active=True)
        lock_all(orphans)
        for orphan in load(orphans, now=gone_since):
            _retire(orphan, now=gone_since)
        return None
    return _new_job(periodic_task_id, name)


def _own(periodic_task_id: int, _: object) -> list[Job]:
    job = row_of(Job, "periodic_task_id", periodic_task_id, locked=True)
    return [] if job is None else [job]


def _new_job(periodic_task_id: int, name: str) -> Job:
    """Make the task's job, with its name as the key; return it locked.

    Where that is the key of a job whose own periodic task is gone, that job comes back with this
    one. Where it is the key of a living one, whose task was renamed, the key gets a number.
    """
    own_task = PeriodicTask.objects.filter(pk=OuterRef("periodic_task_id"))
    # Earlier versions took the name as it was.
    keys = {key_for(name)[:LONGEST_KEY], name}
    without_task = Job.objects.filter(~Exists(own_task), key__in=keys)
    lock_all(without_task)
    job = without_task.first()
    number = 0
    while job is None:
        number += 1
        suffix = f"-{number}" if number > 1 else ""
        key = key_for(name)[: LONGEST_KEY - len(suffix)] + suffix
        made = Job(key=key, name_en=name, periodic_task_id=periodic_task_id, owner=Owner.OPERATOR)
        Job.objects.bulk_create([made], ignore_conflicts=True)
        job = Job.objects.filter(periodic_task_id=periodic_task_id).first()
    job.periodic_task_id = periodic_task_id
    job.is_active = True
    return job


def _retire(job: Job, *, now: datetime) -> None:
    """Delete a job softly whose periodic task somebody has deleted; its history stays.

    On django-celery-beat's page, through the ORM or by SQL: only a deletion that was made leaves a
    note. A row that is gone without one, for example after a backup was restored, is missing, and
    what declares it puts it back.
    """
    settle(job, until=now)
    job.periodic_task_id = None
    job.is_active = False
    reason = "Its periodic task was deleted."
    bring_into_force(job, Reading(task=job.task, invalid_reason=reason), since=now)
    record(
        "delete",
        subject=f"job:{job.key}",
        actor="unknown",
        source="stock",
        now=now,
        before={"active": True},
        after={"active": False},
        reason=reason,
    )


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
    for sentence in reading.ignored:
        log.warning("Job %s: %s", job.key, sentence, extra={"action": "column_ignored"})
    # What was due before the edit is still the old timetable's, with the old policy.
    in_force = job.timetable, job.is_enabled
    if (reading.timetable, reading.enabled) != in_force or gives_other(job, reading):
        settle(job, until=since)
    bring_into_force(job, reading, since=since)
