"""Changing a job: what is written, what is in force then, who owns it, and the trace it leaves."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django_celery_beat.models import PeriodicTask

from schedules.access import Source, actor_name, record
from schedules.adapters.periodic import UNLOADED, columns_of, read, write
from schedules.adapters.validation import check_arguments
from schedules.dispatch import bring_into_force, write_version
from schedules.dispatch.given import GIVEN, take_back
from schedules.dispatch.plan import settle
from schedules.dispatch.upcoming import due_at_of
from schedules.dispatch.versions import decided_until
from schedules.errors import InvalidInput, JobDeleted, JobInvalid, Refused
from schedules.models import Calendar, Job
from schedules.operations.dependencies import lock_dependencies, set_dependencies, words_of
from schedules.operations.locks import CALENDARS, hold
from schedules.operations.soundness import check_bounds, check_fires, check_policy, check_rules
from schedules.operations.task_defaults import exchange_what_the_task_gave
from schedules.operations.timetables import (
    BOUNDS,
    Entered,
    current_timetable,
    parts_of,
    point_at,
    read_entered,
)
from schedules.querysets.slots import fill_slots
from schedules.registry import find
from schedules.states import After, DayOff, JobType
from schedules.timing import Every

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

EDITABLE = (
    "name_en",
    "name_ar",
    "name_id",
    "description_en",
    "description_ar",
    "description_id",
    "priority",
    "max_instances",
    "overlap",
    "misfire_grace",
    "coalesce",
    "jitter",
    "time_limit",
    "soft_time_limit",
    "max_retries",
    "retry_delay",
    "on_lost",
    "exclusive",
    "retention",
    "is_primary",
    "checks",
)
"""Fields of a job that an operator may set. When and what it runs is said by its periodic task."""


DIRECT = (*EDITABLE, "args", "kwargs", "queue", "day_off")
"""Columns of a job that are compared and written as they stand."""

STANDING = {
    "enabled": "is_enabled",
    "active": "is_active",
    "task": "task",
    "timetable": "timetable",
    "paused_at": "paused_at",
    "paused_until": "paused_until",
    "paused_by": "paused_by",
    "pause_reason": "pause_reason",
}
"""What the record calls the rest of a job, and its column."""


Difference = tuple[Mapping[str, Any], Mapping[str, Any]]
"""Before and after, of what has changed only."""


class Outdated(Refused):
    """The job was changed since the caller read it."""

    def __init__(self, key: str, version: int) -> None:
        super().__init__(
            f"Job {key!r} was changed since you read it; it is at version {version} now."
            " Read it again and repeat your change."
        )


@transaction.atomic
def edit_job(
    job: Job,
    *,
    fields: Sequence[str],
    by: "AbstractBaseUser | AnonymousUser | str",
    source: Source,
    now: datetime,
    reason: str = "",
    after: Sequence[tuple[Job, After]] | None = None,
    beside: Difference | None = None,
) -> Job:
    """Save the given fields of `job` as they now are on the object, and `after` unless it is None;
    nothing else of it.

    As `update_job`, for forms that have already put the new values on an object. `beside` is what
    the same form has changed in other rows: it goes into the same entry.
    """
    changes = {name: getattr(job, name) for name in fields if name in EDITABLE}
    if after is not None:
        changes["after"] = after
        lock_dependencies(now=now)
    return change_job(
        job,
        lambda stored: _apply(stored, changes, now=now),
        action="edit",
        by=by,
        source=source,
        now=now,
        reason=reason,
        beside=beside,
        links=after is not None,
    )


@transaction.atomic
def update_job(
    job: Job,
    *,
    changes: Mapping[str, Any],
    by: "AbstractBaseUser | AnonymousUser | str",
    source: Source,
    now: datetime,
    reason: str = "",
    versions: Collection[int] | None = None,
) -> Job:
    """Make the changes and return the job as it now is, with one audit entry for all of them.

    `changes` may name the fields in EDITABLE, those of a timetable (TIMETABLE_FIELDS; what is left
    out stays, None clears), `calendar` and `day_off`, `enabled`, `args`, `kwargs`, `queue`,
    `one_off`, `task_function` and `after`: all jobs that it is to run after, as pairs of a job and
    an outcome. Fields that code declares become the operator's own: a later installation leaves
    them alone. A changed timetable begins after `now`; an unchanged one keeps its next occurrence.
    Nothing changed, nothing is written. Raises JobDeleted, Outdated unless the job is at one of
    `versions`, and InvalidInput.
    """
    if "calendar" in changes:
        hold(CALENDARS, now=now)
    if "after" in changes:
        lock_dependencies(now=now)
    return change_job(
        job,
        lambda stored: _apply(stored, changes, now=now),
        action="edit",
        by=by,
        source=source,
        now=now,
        reason=reason,
        versions=versions,
        links="after" in changes,
    )


def change_job(
    job: Job,
    apply: Callable[[Job], None],
    *,
    action: str,
    by: "AbstractBaseUser | AnonymousUser | str",
    source: Source,
    now: datetime,
    reason: str = "",
    versions: Collection[int] | None = None,
    facts: Mapping[str, Any] | None = None,
    beside: Difference | None = None,
    links: bool = True,
) -> Job:
    """Lock the job, let `apply` change it, put that into force and record it as one entry.

    In the caller's transaction. What `apply` leaves as it was is neither written nor recorded. What
    it puts into `facts` is recorded beside the changed fields, as is `beside`, what the same person
    has changed in other rows. Without `links`, `apply` leaves alone what the job runs after.
    """
    # Locked against a Beat that plans it: what follows is worked out from the occurrence it left.
    locked = Job.objects.select_for_update(no_key=True, of=("self",))
    related = locked.select_related("periodic_task", "task_function")
    # A broken column would keep the periodic task from being loaded, and so from being mended.
    stored = related.defer(*(f"periodic_task__{name}" for name in UNLOADED)).get(pk=job.pk)
    if not stored.is_active:
        raise JobDeleted(stored.key)
    if versions is not None and stored.version not in versions:
        raise Outdated(stored.key, stored.version)
    settle(stored, until=now)  # what was due before the change is still the old job's
    before, version = _snapshot(stored, links=links), stored.version
    apply(stored)
    check_policy({name: getattr(stored, name) for name in EDITABLE}, job=stored)
    check_rules(stored)
    put_into_force(stored, now=now, by=actor_name(by))
    after = _snapshot(stored, links=links)
    if after["timetable"] != before["timetable"]:
        check_fires(stored)
    changed = [name for name in before if before[name] != after[name]]
    was, became = beside or ({}, {})
    if changed:
        _store(stored, changed, version=version, by=by, now=now)
    if "max_instances" in changed:
        fill_slots(connection, [stored.pk])
    if changed or became:
        record(
            action,
            subject=f"job:{stored.key}",
            actor=by,
            source=source,
            now=now,
            before={**was, **{name: before[name] for name in changed}},
            after={**became, **{name: after[name] for name in changed}, **(facts or {})},
            reason=reason,
        )
    return stored


def _store(
    job: Job,
    changed: Sequence[str],
    *,
    version: int,
    by: "AbstractBaseUser | AnonymousUser | str",
    now: datetime,
) -> None:
    """Save the changed job, with a version unless what came into force has written one."""
    job.overridden = _now_overridden(job, changed)
    job.updated_by_id = getattr(by, "pk", None)
    job.next_due_at = due_at_of(job, job.next_run_at)
    if job.version != version:
        job.save()
        return
    job.version += 1
    job.save()
    since = max(now, decided_until(job) or now)
    write_version(job, since=since, by=actor_name(by))


def put_into_force(job: Job, *, now: datetime, by: str) -> None:
    """Save the job's periodic task and plan by it from `now` on, as Beat would after an edit.

    Raises InvalidInput where the periodic task is to run and would not be a valid one.
    """
    periodic_task = job.periodic_task
    if periodic_task is None:
        return
    is_new = periodic_task.pk is None
    if not is_new and _is_as_stored(job, periodic_task):
        return
    write(periodic_task, now=now)
    job.periodic_task_id = periodic_task.pk
    reading = read(periodic_task.pk, job=job, since=now, is_ours=is_new)
    if reading is None or (reading.invalid_reason and periodic_task.enabled):
        found = "deleted" if reading is None else reading.invalid_reason
        raise InvalidInput("job", found, "a job that can run")
    bring_into_force(job, reading, since=now, by=by)


def _is_as_stored(job: Job, periodic_task: PeriodicTask) -> bool:
    wanted = columns_of(periodic_task)
    stored = PeriodicTask.objects.filter(pk=periodic_task.pk).values(*wanted).first()
    beside = Job.objects.filter(pk=job.pk).values(*BESIDE).first()
    return bool(stored == wanted and beside == {name: getattr(job, name) for name in BESIDE})


BESIDE = ("cron_text", "day_rule", "interval_anchor", "calendar_id", "day_off")
"""What a job adds to the columns of its periodic task."""


def set_enabled(job: Job, *, enabled: bool) -> None:
    """Switch the job's periodic task, for `change_job`. Raises JobInvalid when it was deleted."""
    if _is_switched_on(job) == job.is_enabled == enabled:
        return
    if job.periodic_task is None:
        raise JobInvalid(job.key, job.invalid_reason or "Its periodic task was deleted.")
    job.periodic_task.enabled = enabled


def _apply(job: Job, changes: Mapping[str, Any], *, now: datetime) -> None:
    _set_policy(job, changes)
    take_calendar(job, changes)
    if "enabled" in changes:
        set_enabled(job, enabled=changes["enabled"])
    if "after" in changes:
        set_dependencies(job, changes["after"], now=now)
    entered = read_entered(changes, job=job, now=now)
    bounds = set(BOUNDS) & changes.keys()
    arguments = {"args", "kwargs", "task_function"} & changes.keys()
    marks = {"queue", "one_off"} & changes.keys()
    if entered is None and not (arguments or bounds or marks):
        return
    periodic_task = job.periodic_task
    if periodic_task is None:
        raise JobInvalid(job.key, job.invalid_reason or "Its periodic task was deleted.")
    if arguments:
        _give_arguments(job, periodic_task, changes)
    if bounds:
        _set_bounds(periodic_task, changes)
    if entered is not None and not says_the_same(job, entered):
        point_at(periodic_task, job, entered.timetable)
        job.interval_parts = entered.parts
    if "queue" in changes:
        periodic_task.queue = changes["queue"] or None
    if "one_off" in changes:
        is_date = job.job_type == JobType.CLOCKED
        periodic_task.one_off = is_date or bool(changes["one_off"])


def _set_policy(job: Job, changes: Mapping[str, Any]) -> None:
    for name in EDITABLE:
        if name not in changes:
            continue
        if name in GIVEN and changes[name] != getattr(job, name):
            take_back(job, job.periodic_task, name)
        setattr(job, name, changes[name])


def take_calendar(job: Job, values: Mapping[str, Any]) -> None:
    """Let the job go by the `calendar` of the values, and by their `day_off`; None clears."""
    if "calendar" in values:
        calendar = values["calendar"]
        # Read again: it may have been changed, or deleted, since the caller looked it up.
        job.calendar = calendar and Calendar.objects.filter(pk=calendar.pk).first()
        if calendar and job.calendar is None:
            raise InvalidInput("calendar", calendar.name, "the name of a calendar that exists")
    if "day_off" in values:
        job.day_off = values["day_off"] or DayOff.SKIP


def _set_bounds(periodic_task: PeriodicTask, changes: Mapping[str, Any]) -> None:
    if "starts_at" in changes:
        periodic_task.start_time = changes["starts_at"]
    if "ends_at" in changes:
        periodic_task.expires = changes["ends_at"]
    check_bounds(periodic_task.start_time, periodic_task.expires)


def _give_arguments(job: Job, periodic_task: PeriodicTask, changes: Mapping[str, Any]) -> None:
    function = changes.get("task_function")
    if function is not None:
        exchange_what_the_task_gave(job, find(function.task), besides=changes)
        job.task_function, job.task = function, function.task
        periodic_task.task = function.task
    args = changes.get("args", job.args) or []
    kwargs = changes.get("kwargs", job.kwargs) or {}
    check_arguments(job.task, args, kwargs)
    periodic_task.args, periodic_task.kwargs = json.dumps(args), json.dumps(kwargs)


def says_the_same(job: Job, entered: Entered) -> bool:
    """Whether it is the timetable in force; an interval then keeps its anchor."""
    current = current_timetable(job)
    if isinstance(current, Every) and isinstance(entered.timetable, Every):
        return entered.parts == parts_of(job, current.interval)
    return current == entered.timetable


def _snapshot(job: Job, *, links: bool) -> dict[str, Any]:
    values = {name: getattr(job, name) for name in DIRECT}
    values |= {name: getattr(job, column) for name, column in STANDING.items()}
    values["enabled"] = _is_switched_on(job)
    calendar = job.calendar.name if job.calendar else None
    return {
        **values,
        "interval_parts": job.interval_parts,
        "calendar": calendar,
        **({"after": words_of(job)} if links else {}),
    }


def _is_switched_on(job: Job) -> bool:
    """What a person has said; a job that cannot run is not in force all the same."""
    return job.is_enabled if job.periodic_task is None else job.periodic_task.enabled


def _now_overridden(job: Job, changed: Sequence[str]) -> list[str]:
    declared = job.declared or {}
    return sorted({*job.overridden, *(name for name in changed if name in declared)})
