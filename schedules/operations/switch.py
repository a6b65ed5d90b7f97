"""Switching a job on and off, pausing it, and deleting it; and the pause of everything."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Sum

from schedules.access import Source, actor_name, record
from schedules.dispatch.changes import waiting_for_later
from schedules.errors import InvalidInput, Refused
from schedules.finish import Outcome, finish_waiting
from schedules.halts import pause_of
from schedules.lease import instance_id
from schedules.models import GlobalPause, Job, Run
from schedules.operations.dependencies import end_dependencies, lock_dependencies
from schedules.operations.edit import change_job, set_enabled
from schedules.states import Origin, RunState

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    Actor = AbstractBaseUser | AnonymousUser | str


class JobCritical(Refused):
    """The job is marked as critical, so it cannot be deleted."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"Job {key!r} is critical (isPrimary), so it cannot be deleted."
            " Disable it, or set isPrimary to false first."
        )


@transaction.atomic
def enable_job(
    job: Job,
    *,
    by: "Actor",
    source: Source,
    now: datetime,
    reason: str = "",
    versions: Collection[int] | None = None,
) -> Job:
    """Let the job run by its timetable again; its next occurrence is later than `now`."""
    switch = partial(set_enabled, enabled=True)
    return _change(job, switch, "enable", by, source, now, reason, versions)


@transaction.atomic
def disable_job(
    job: Job,
    *,
    by: "Actor",
    source: Source,
    now: datetime,
    reason: str = "",
    versions: Collection[int] | None = None,
) -> Job:
    """Stop the job from running; what waits of it ends as skipped. A running run goes on."""
    switch = partial(set_enabled, enabled=False)
    disabled = _change(job, switch, "disable", by, source, now, reason, versions)
    _end_waiting(disabled, RunState.SKIPPED, f"disabled by {actor_name(by)}")
    return disabled


@transaction.atomic
def pause_job(
    job: Job,
    *,
    by: "Actor",
    source: Source,
    now: datetime,
    until: datetime | None = None,
    reason: str = "",
    versions: Collection[int] | None = None,
) -> Job:
    """Suspend the job without disabling it: until resumed, or until the aware instant `until`.

    Its occurrences become skipped rows with the reason, and so does what waits of it, unless it was
    moved to a time that has not come: whether that is paused is judged then. Raises InvalidInput
    for an end that has passed.
    """
    if until is not None and until <= now:
        raise InvalidInput("until", until.isoformat(), "an instant in the future")

    def set_pause(stored: Job) -> None:
        if stored.paused_at is not None and _still(stored, now):
            if (stored.paused_until, stored.pause_reason) == (until, reason):
                return
        else:
            stored.paused_at = now
        stored.paused_until, stored.pause_reason = until, reason
        stored.paused_by = actor_name(by)

    paused = _change(job, set_pause, "pause", by, source, now, reason, versions)
    halt = pause_of(paused)
    assert halt is not None
    _end_waiting(paused, RunState.SKIPPED, halt.reason, but_moved_after=now, before=until)
    return paused


@transaction.atomic
def resume_job(
    job: Job,
    *,
    by: "Actor",
    source: Source,
    now: datetime,
    reason: str = "",
    versions: Collection[int] | None = None,
) -> Job:
    """End the job's pause. What it skipped stays skipped, and is counted in the record."""
    return _end_pause(job, by=by, source=source, now=now, reason=reason, versions=versions)


def end_pauses(*, now: datetime, limit: int = 200) -> int:
    """Resume the jobs whose pause has come to the end that it was given; return how many."""
    over = Job.objects.existing().filter(paused_until__lte=now).order_by("paused_until")
    if not over.exists():
        return 0  # without a transaction: on SQLite each takes the one write lock
    with transaction.atomic():
        jobs = list(over.locked()[:limit])
        for job in jobs:
            _end_pause(job, by="the pause's end", source="repair", now=now, if_over=True)
    return len(jobs)


def _end_pause(
    job: Job,
    *,
    by: "Actor",
    source: Source,
    now: datetime,
    reason: str = "",
    versions: Collection[int] | None = None,
    if_over: bool = False,
) -> Job:
    facts: dict[str, Any] = {}

    def clear(stored: Job) -> None:
        if stored.paused_at is None or (if_over and _still(stored, now)):
            return  # another Beat was first, or a person has paused it for longer
        facts["skipped"] = skipped_by_pause(stored, since=stored.paused_at)
        stored.paused_at = stored.paused_until = None
        stored.paused_by = stored.pause_reason = ""

    return _change(job, clear, "resume", by, source, now, reason, versions, facts)


def skipped_by_pause(job: Job, *, since: datetime) -> int:
    """Return how many runs of the job its pauses have skipped since then."""
    skipped = Run.objects.filter(
        job=job, state=RunState.SKIPPED, scheduled_at__gte=since, reason__startswith="paused by"
    )
    return int(skipped.aggregate(total=Sum("count"))["total"] or 0)


@transaction.atomic
def delete_job(
    job: Job,
    *,
    by: "Actor",
    source: Source,
    now: datetime,
    reason: str = "",
    versions: Collection[int] | None = None,
) -> Job:
    """Delete the job softly: it is listed no more and runs no more; its history stays.

    What waits of it is cancelled. Raises JobCritical for one that is marked as critical.
    """
    facts: dict[str, Any] = {}

    def retire(stored: Job) -> None:
        if stored.is_primary:
            raise JobCritical(stored.key)
        if stored.periodic_task is not None:
            stored.periodic_task.enabled = False
        stored.is_active = False
        waited = end_dependencies(stored, now=now)
        if waited:
            facts["waited_for_it"] = waited

    lock_dependencies(now=now)
    deleted = _change(job, retire, "delete", by, source, now, reason, versions, facts)
    _end_waiting(deleted, RunState.CANCELLED, f"deleted by {actor_name(by)}")
    return deleted


@transaction.atomic
def pause_all(
    *,
    by: "Actor",
    source: Source,
    now: datetime,
    reason: str = "",
    drain: bool = False,
    action: str = "pause_all",
) -> GlobalPause:
    """Plan nothing from now on; occurrences become skipped rows with the reason.

    Returns the pause that is in force: the one that was there already, if there was one. `action`
    is what the record calls it.
    """
    pause = current_pause()
    if pause is not None:
        return pause
    pause = GlobalPause.objects.create(
        started_at=now, drain=drain, by=actor_name(by), reason=reason
    )
    after = {"paused": True, "drain": drain}
    record(
        action,
        subject="scheduler",
        actor=by,
        source=source,
        now=now,
        after=after,
        reason=reason,
    )
    return pause


@transaction.atomic
def resume_all(
    *,
    by: "Actor",
    source: Source,
    now: datetime,
    reason: str = "",
    action: str = "resume_all",
) -> bool:
    """End the pause of everything; False when there was none. `action` as for `pause_all`."""
    ended = GlobalPause.objects.filter(ended_at__isnull=True).update(ended_at=now)
    if ended:
        record(
            action,
            subject="scheduler",
            actor=by,
            source=source,
            now=now,
            after={"paused": False},
            reason=reason,
        )
    return bool(ended)


def current_pause() -> GlobalPause | None:
    """Return the pause of everything that is in force, or None."""
    return GlobalPause.objects.filter(ended_at__isnull=True).order_by("id").first()


def _change(
    job: Job,
    apply: Callable[[Job], None],
    action: str,
    by: "Actor",
    source: Source,
    now: datetime,
    reason: str,
    versions: Collection[int] | None,
    facts: Mapping[str, Any] | None = None,
) -> Job:
    return change_job(
        job,
        apply,
        action=action,
        by=by,
        source=source,
        now=now,
        reason=reason,
        versions=versions,
        facts=facts,
        links=action == "delete",
    )


def _still(job: Job, now: datetime) -> bool:
    return job.paused_until is None or job.paused_until > now


def _end_waiting(
    job: Job,
    state: RunState,
    reason: str,
    *,
    before: datetime | None = None,
    but_moved_after: datetime | None = None,
) -> None:
    """After the commit no new claim: the job's row is locked, so no Beat plans beside this."""
    waiting = Run.objects.waiting().filter(job=job)
    if but_moved_after is not None:
        moved = waiting_for_later(now=but_moved_after).filter(job=job)
        waiting = waiting.exclude(
            origin=Origin.TIMETABLE, scheduled_at__in=moved.values("scheduled_at")
        )
    outcome = Outcome(state=state, reason=reason)
    for run in waiting if before is None else waiting.filter(due_at__lt=before):
        finish_waiting(run, outcome, instance_id=instance_id(), passes_on=False)
