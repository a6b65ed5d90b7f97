"""Deleting what has been over for long: finished runs, their attempts and results; and schedule
rows of ours that nothing uses.

Where a job's rows are deleted its `ledger_from` moves along, in the same transaction: from there
on, and only from there on, every occurrence has its row.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta
from uuid import UUID

from celery import states
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from django_celery_results.models import GroupResult, TaskResult

from schedules.adapters.schedule_rows import POINTERS, remove_unused
from schedules.models import Attempt, Delivery, Job, Run, Verdict

BATCH = 500
"""Runs deleted in one transaction. On SQLite an open one stops every other writer."""

Fence = Callable[[], AbstractContextManager[object]]


def clean_log(
    *, before: datetime, now: datetime, fence: Fence = transaction.atomic
) -> Iterator[int]:
    """Delete what ended before the instant `before`, yielding how many rows each batch took.

    Rows are runs, and results of tasks that have none. A job with a retention of its own keeps
    exactly that much. Never deleted are unfinished runs, and runs of occurrences that planning may
    come back to: from a job's next occurrence on, or within its misfire grace of `now`. Each batch
    is one short transaction that `fence` opens.
    """
    for job in _jobs_with_runs():
        cutoff = _cutoff(job, before=before, now=now)
        yield from _clean_runs(Q(job=job), cutoff, job, fence)
    yield from _clean_runs(Q(job=None), before, None, fence)
    yield from _clean_results(before, fence)
    _clean_deliveries(before, fence)
    _clean_schedules(fence)
    if GroupResult.objects.filter(date_done__lt=before).exists():
        with fence():
            GroupResult.objects.filter(date_done__lt=before).delete()


def _jobs_with_runs() -> list[Job]:
    # From the runs, of which there are more, but by their index: jobs without any are no work.
    return list(Job.objects.filter(pk__in=Run.objects.order_by().values("job_id").distinct()))


def _cutoff(job: Job, *, before: datetime, now: datetime) -> datetime:
    limits = [before if job.retention is None else now - job.retention]
    if job.next_run_at is not None:
        limits.append(job.next_run_at)
    limits.append(now - (job.misfire_grace or timedelta(0)))
    return min(limits)


def _clean_runs(whose: Q, cutoff: datetime, job: Job | None, fence: Fence) -> Iterator[int]:
    """Delete by the nominal instant, which `ledger_from` speaks of; what ended late waits."""
    old = (
        Run.objects.finished()
        .alias(last=Coalesce("until", "scheduled_at"))
        .filter(whose, scheduled_at__lt=cutoff, last__lt=cutoff, finished_at__lt=cutoff)
    )
    while rows := list(old.order_by("scheduled_at", "id").values_list("pk", "task_id")[:BATCH]):
        with fence():
            if job is not None:
                outdated = Q(ledger_from__isnull=True) | Q(ledger_from__lt=cutoff)
                Job.objects.filter(outdated, pk=job.pk).update(ledger_from=cutoff)
            _delete(rows)
        yield len(rows)


def _delete(rows: Sequence[tuple[int, UUID]]) -> None:
    ids = [pk for pk, _ in rows]
    Attempt.objects.filter(run_id__in=ids).delete()
    Verdict.objects.filter(run_id__in=ids).delete()
    TaskResult.objects.filter(task_id__in=[str(task_id) for _, task_id in rows]).delete()
    Run.objects.filter(pk__in=ids).delete()


def _clean_results(before: datetime, fence: Fence) -> Iterator[int]:
    """Delete old results of tasks without a run; one with a run goes, or stays, with its run."""
    last = 0
    ended = TaskResult.objects.filter(date_done__lt=before, status__in=states.READY_STATES)
    while rows := list(
        ended.filter(pk__gt=last).order_by("pk").values_list("pk", "task_id")[:BATCH]
    ):
        last = rows[-1][0]
        keys = {task_id: _as_uuid(task_id) for _, task_id in rows}
        wanted = [key for key in keys.values() if key is not None]
        kept = set(Run.objects.filter(task_id__in=wanted).values_list("task_id", flat=True))
        orphans = [pk for pk, task_id in rows if keys[task_id] not in kept]
        if orphans:
            with fence():
                TaskResult.objects.filter(pk__in=orphans).delete()
            yield len(orphans)


def _clean_deliveries(before: datetime, fence: Fence) -> None:
    """Delete what was told long ago, with the alerts in it; it does not count."""
    old = Delivery.objects.filter(opened_at__lt=before, next_at__isnull=True).order_by("opened_at")
    while ids := list(old.values_list("pk", flat=True)[:BATCH]):
        with fence():
            Delivery.objects.filter(pk__in=ids).delete()


def _clean_schedules(fence: Fence) -> None:
    """Remove rows of django-celery-beat's that we made and nothing uses; they do not count."""
    for model in POINTERS.values():
        # Picked by another client in this very moment: it is in use, the rest goes next time.
        with suppress(IntegrityError), fence():
            remove_unused(model)


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
