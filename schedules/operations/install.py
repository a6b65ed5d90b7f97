"""Installing what code declares: rows for tasks and jobs, without ever overwriting an operator."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Subquery
from django_celery_beat.models import PeriodicTask

from schedules.access import Source, record
from schedules.adapters.periodic import UNLOADED, read, write
from schedules.dispatch import absorb_edits, bring_into_force, load, note_orphans
from schedules.dispatch.given import GIVEN, take_back
from schedules.dispatch.plan import settle
from schedules.models import Job, TaskFunction
from schedules.operations.timetables import current_timetable, point_at
from schedules.querysets.slots import fill_slots
from schedules.registry import Declaration, all_declared, argument_schema, texts_of
from schedules.states import Owner
from schedules.timing import to_spec
from schedules.timing.instants import in_seconds

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

NAMES = ("name_en", "name_ar", "name_id", "description_en", "description_ar", "description_id")


@dataclass(slots=True)
class InstallReport:
    """What an installation did, by job key."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    disabled: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    """Jobs that a person has deleted; they stay so."""
    drifted: dict[str, list[str]] = field(default_factory=dict)
    """Jobs whose declared fields an operator has changed; those fields stay as they are."""


@transaction.atomic
def install_declared(
    *,
    now: datetime,
    replace_existing: bool = False,
    by: "AbstractBaseUser | AnonymousUser | str | None" = None,
    source: Source = "code",
) -> InstallReport:
    """Make rows for every declared task and job; return what was done. Safe to repeat.

    With `by`, a person's name, a change leaves one entry in the audit record.

    Ownership is by field: a field that still has the value code gave it follows the code, one that
    an operator has changed stays and is reported as drift, unless `replace_existing`. A job that a
    person has deleted, by whatever means, is such a change too. What is missing without having been
    deleted is made. What code no longer declares is disabled, never deleted.
    """
    # A job that was lost is made of its periodic task first, which a person may have changed.
    note_orphans([declaration.key for declaration in all_declared()], now=now)
    while absorb_edits(now=now):
        pass  # deletions among them that no Beat has read yet
    report = InstallReport()
    declarations = list(all_declared())
    functions = install_functions(declarations)
    TaskFunction.objects.exclude(task__in=functions).update(is_active=False)
    own = TaskFunction.objects.filter(task=OuterRef("task")).values("pk")
    without = Job.objects.filter(Exists(own), task_function=None)
    without.update(task_function=Subquery(own))
    rows = Job.objects.select_related("periodic_task")
    # A column that SQL has broken keeps its row from being loaded, and here all others with it.
    rows = rows.defer(*(f"periodic_task__{name}" for name in UNLOADED))
    jobs = {job.key: job for job in load(rows, now=now)}
    for declaration in declarations:
        if declaration.timetable is None:
            continue
        function = functions[declaration.task]
        job = jobs.get(declaration.key)
        if job is None:
            job = Job(key=declaration.key, owner=Owner.DECLARED)
        if not job.is_active and not replace_existing:
            report.deleted.append(job.key)
            continue
        _install_job(job, declaration, function, now=now, report=report, replace=replace_existing)
    scheduled = {d.key for d in declarations if d.timetable is not None}
    _disable_undeclared(jobs.values(), scheduled, now=now, report=report)
    if by is not None and (report.created or report.updated or report.disabled):
        after = {
            "created": report.created,
            "updated": report.updated,
            "disabled": report.disabled,
            "replaceExisting": replace_existing,
        }
        record("install", subject="scheduler", actor=by, source=source, now=now, after=after)
    return report


def _needs_arguments(declaration: Declaration) -> bool:
    """Such tasks get the later numbers: of 1 and 2 a client can make a job without knowing more."""
    return "required" in argument_schema(declaration)


def install_functions(declarations: Sequence[Declaration]) -> dict[str, TaskFunction]:
    """Make the rows of declared tasks, or bring them up to date; return them by the task's name."""
    tasks = [declaration.task for declaration in declarations]
    known = {row.task: row for row in TaskFunction.objects.filter(task__in=tasks)}
    changed = []
    for declaration in sorted(declarations, key=_needs_arguments):
        row, wanted = known.get(declaration.task), _wanted(declaration)
        if row is None or any(getattr(row, name) != wanted[name] for name in wanted):
            changed.append(TaskFunction(task=declaration.task, **wanted))
    columns = ["key", "arguments", "is_active", *NAMES]
    TaskFunction.objects.bulk_create(
        changed, update_conflicts=True, unique_fields=["task"], update_fields=columns
    )
    return known | {row.task: row for row in changed}


def _wanted(declaration: Declaration) -> dict[str, Any]:
    """The columns of the row of a declared task."""
    return {
        "key": declaration.key,
        "arguments": argument_schema(declaration),
        "is_active": True,
        **_texts(declaration),
    }


def _texts(declaration: Declaration) -> dict[str, str]:
    names = {f"name_{language}": text for language, text in declaration.names.items()}
    return names | {f"description_{lang}": text for lang, text in declaration.descriptions.items()}


def _install_job(
    job: Job,
    declaration: Declaration,
    function: TaskFunction,
    *,
    now: datetime,
    report: InstallReport,
    replace: bool,
) -> None:
    wanted = _as_json(declaration)
    is_known = job.pk is not None and job.is_active
    is_new = not is_known or job.periodic_task is None
    # Of what was lost the rest is left: our row, or the periodic task. As it says, so it comes
    # back; what a person has switched off stays off.
    said_by_task = {name: wanted[name] for name in OF_THE_TASK}
    before = job.declared or (said_by_task if is_known and not is_new else {})
    present = _present(job) if is_known and (job.declared or not is_new) else {}
    # An operator's field is one that no longer has the value that code last gave it.
    drift = [
        name
        for name, value in present.items()
        if not replace and name in before and value != before[name] and value != wanted[name]
    ]
    if not is_new and before == wanted and not (replace and present != wanted):
        _note(report, report.unchanged, job.key, drift)
        return
    if not is_new:
        settle(job, until=now)  # what was due up to now is still the old timetable's
    values = {name: value for name, value in wanted.items() if name not in drift}
    _apply(job, values, declaration, now=now)
    job.is_active = True
    job.task_function = function
    job.declared = wanted
    job.overridden = drift
    job.owner = Owner.DECLARED
    _put_into_force(job, now=now)
    if not is_new and job.max_instances != present["max_instances"]:
        fill_slots(connection, [job.pk])
    _note(report, report.created if is_new else report.updated, job.key, drift)


def _note(report: InstallReport, where: list[str], key: str, drift: list[str]) -> None:
    where.append(key)
    if drift:
        report.drifted[key] = drift


def _as_json(declaration: Declaration) -> dict[str, Any]:
    """The declared fields, comparable with a job's and storable beside it."""
    assert declaration.timetable is not None
    return {
        "timetable": to_spec(declaration.timetable),
        "kwargs": dict(declaration.kwargs),
        "enabled": declaration.enabled,
        "misfire_grace": in_seconds(declaration.misfire_grace),
        "coalesce": declaration.coalesce,
        "max_instances": declaration.max_instances,
        "overlap": str(declaration.overlap),
        "priority": declaration.priority,
        "queue": declaration.queue,
        "jitter": in_seconds(declaration.jitter),
        "time_limit": in_seconds(declaration.time_limit),
        "soft_time_limit": in_seconds(declaration.soft_time_limit),
        "max_retries": declaration.max_retries,
        "retry_delay": in_seconds(declaration.retry_delay),
        "on_lost": str(declaration.on_lost),
        "exclusive": declaration.exclusive,
        "is_primary": declaration.is_primary,
        "checks": texts_of(declaration.checks) or None,
        **_texts(declaration),
    }


OF_THE_TASK = ("timetable", "kwargs", "enabled", "queue")
"""Declared fields that a periodic task says by itself."""

DURATIONS = ("misfire_grace", "jitter", "time_limit", "soft_time_limit", "retry_delay")
PLAIN = (
    "coalesce",
    "max_instances",
    "overlap",
    "priority",
    "queue",
    "max_retries",
    "on_lost",
    "exclusive",
    "is_primary",
    "checks",
    "kwargs",
    *NAMES,
)


def _present(job: Job) -> dict[str, Any]:
    """The same fields as they are on the job now."""
    return {
        "timetable": job.timetable,
        "enabled": job.is_enabled,
        **{name: in_seconds(getattr(job, name)) for name in DURATIONS},
        **{name: getattr(job, name) for name in PLAIN},
    }


def _apply(job: Job, values: dict[str, Any], declaration: Declaration, *, now: datetime) -> None:
    for name in PLAIN:
        if name in values:
            setattr(job, name, values[name])
    for name in DURATIONS:
        if name in values:
            seconds = values[name]
            setattr(job, name, None if seconds is None else timedelta(seconds=seconds))
    is_lost = job.periodic_task is None and job.pk is not None
    periodic_task = job.periodic_task or _periodic_task_named(job)
    periodic_task.task = declaration.task
    periodic_task.kwargs = json.dumps(job.kwargs)
    periodic_task.queue = job.queue or None
    for name in GIVEN.keys() & values.keys():
        take_back(job, periodic_task, name)
    if "enabled" in values or is_lost:
        periodic_task.enabled = values.get("enabled", job.is_enabled)
    timetable = declaration.timetable if "timetable" in values else None
    if timetable is None and is_lost:
        timetable = current_timetable(job)
    if timetable is not None:
        point_at(periodic_task, job, timetable)
    if "timetable" in values:
        job.calendar = None  # no declaration has one; with it the timetable was an operator's
    write(periodic_task, now=now)
    job.periodic_task = periodic_task
    job.task = declaration.task


def _periodic_task_named(job: Job) -> PeriodicTask:
    """Return the one that a lost job has left behind, since the name is unique, or a new one."""
    left_behind = PeriodicTask.objects.defer(*UNLOADED).filter(name=job.key).first()
    return left_behind or PeriodicTask(name=job.key, description=job.description_en)


def _put_into_force(job: Job, *, now: datetime) -> None:
    assert job.periodic_task is not None
    reading = read(job.periodic_task.pk, job=job, since=now)
    assert reading is not None
    bring_into_force(job, reading, since=now, by="code")


def _disable_undeclared(
    jobs: Iterable[Job], declared: set[str], *, now: datetime, report: InstallReport
) -> None:
    for job in jobs:
        if job.owner != Owner.DECLARED or job.key in declared or not job.is_enabled:
            continue
        if job.periodic_task is None:
            continue
        settle(job, until=now)
        job.periodic_task.enabled = False
        write(job.periodic_task, now=now)
        _put_into_force(job, now=now)
        report.disabled.append(job.key)
