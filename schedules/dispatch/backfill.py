"""Feeding backfills: the next occurrences of each get their runs while no more than it says are
open.

What is still to be planned is in the backfill's own row, so that a Beat or a worker that dies loses
nothing of it.
"""

import logging
from datetime import datetime
from uuid import uuid5

from django.db import DatabaseError, InterfaceError, connections, transaction
from django.db.models import F, QuerySet

from schedules.dispatch.broken import load
from schedules.finish import options_of
from schedules.halts import barred
from schedules.models import Backfill, Job, Run
from schedules.states import BackfillState, Origin, RunState

log = logging.getLogger(__name__)


def feed_backfills(*, now: datetime, limit: int = 50) -> int:
    """Plan the next runs of every open backfill, and end those that have come to their end; return
    how many runs were planned.

    A backfill waits while its job is paused, disabled or invalid, or everything is paused, and
    while an occurrence of the timetable waits for a slot. With its job it is cancelled. Several
    Beats share the backfills.
    """
    if not _open().exists():
        return 0  # without a transaction: on SQLite each takes the one write lock
    with transaction.atomic():
        backfills = _open().order_by("created_at").defer("occurrences")
        if connections[backfills.db].features.has_select_for_update_skip_locked:
            backfills = backfills.select_for_update(skip_locked=True, no_key=True, of=("self",))
        return sum(_feed_alone(backfill, now=now) for backfill in backfills[:limit])


def end_backfill(backfill: Backfill, state: BackfillState, *, now: datetime) -> None:
    """Note that nothing of the backfill is planned any more. It is the caller's, locked."""
    backfill.state, backfill.ended_at = state, now
    backfill.save(update_fields=["state", "ended_at", "reason"])


def _open() -> QuerySet[Backfill]:
    return Backfill.objects.filter(ended_at__isnull=True)


def _feed_alone(backfill: Backfill, *, now: datetime) -> int:
    try:
        with transaction.atomic():
            return _feed(backfill, now=now)
    except (DatabaseError, InterfaceError):
        raise  # tells nothing about the row
    except Exception as error:
        log.exception("Backfill %s cannot be read and is ended.", backfill.pk)
        backfill.reason = f"{backfill.reason} (ended, since it cannot be read: {error})".strip()
        end_backfill(backfill, BackfillState.CANCELLED, now=now)
        return 0


def _feed(backfill: Backfill, *, now: datetime) -> int:
    jobs = Job.objects.filter(pk=backfill.job_id).select_related("periodic_task")
    job = next(iter(load(jobs, now=now)), None)
    if job is None or not job.is_active:
        end_backfill(backfill, BackfillState.CANCELLED, now=now)
        return 0
    unfinished = Run.objects.unfinished().filter(backfill=backfill).count()
    if backfill.planned >= backfill.total:
        if not unfinished:
            end_backfill(backfill, BackfillState.DONE, now=now)
        return 0
    room = backfill.at_once - unfinished
    if room <= 0 or barred(job, now=now) or _timetable_waits(job, now=now):
        return 0
    following = backfill.occurrences[backfill.planned : backfill.planned + room]
    rows = [_row(backfill, job, datetime.fromisoformat(text), now) for text in following]
    Run.objects.bulk_create(rows, ignore_conflicts=True)
    Backfill.objects.filter(pk=backfill.pk).update(planned=F("planned") + len(rows))
    return len(rows)


def _timetable_waits(job: Job, *, now: datetime) -> bool:
    """Whether an occurrence of the timetable is due: it goes first."""
    waiting = Run.objects.waiting().filter(job=job, due_at__lte=now)
    return waiting.exclude(origin=Origin.BACKFILL).exists()


def _row(backfill: Backfill, job: Job, instant: datetime, now: datetime) -> Run:
    return Run(
        job=job,
        job_key=job.key,
        origin=Origin.BACKFILL,
        backfill=backfill,
        # The same whoever plans it, and however often.
        task_id=uuid5(backfill.pk, instant.isoformat()),
        task=job.task,
        args=job.args,
        kwargs=job.kwargs,
        options=options_of(job),
        scheduled_at=instant,
        due_at=now,
        publish_at=now,
        state=RunState.PLANNED,
        priority=job.priority,
        queue=job.queue,
        requested_by=backfill.requested_by,
    )
