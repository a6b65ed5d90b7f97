"""Making a job: its periodic task and its row, in force when the transaction commits."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.db import transaction
from django_celery_beat.models import PeriodicTask

from schedules.access import Source, actor_name, record
from schedules.adapters.validation import check_arguments
from schedules.errors import InvalidInput, Missing
from schedules.models import Job, TaskFunction
from schedules.operations.dependencies import lock_dependencies, set_dependencies, words_of
from schedules.operations.edit import (
    EDITABLE,
    put_into_force,
    take_calendar,
)
from schedules.operations.locks import CALENDARS, hold
from schedules.operations.soundness import check_bounds, check_fires, check_policy, check_rules
from schedules.operations.task_defaults import given_by_task
from schedules.operations.timetables import (
    OF_ITS_OWN_NEVER,
    TIMETABLE_FIELDS,
    Entered,
    point_at,
    read_entered,
)
from schedules.operations.wording import describe
from schedules.registry import Declaration, find
from schedules.registry.keys import why_no_key
from schedules.states import After, Owner
from schedules.timing import At

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

LONGEST_KEY = 200
"""Characters; django-celery-beat's name of a task has no more."""


@transaction.atomic
def create_job(
    function: TaskFunction | str,
    *,
    values: Mapping[str, Any],
    by: "AbstractBaseUser | AnonymousUser | str",
    source: Source,
    now: datetime,
    reason: str = "",
    entered: Entered | None = None,
) -> Job:
    """Make a job of a declared task and return it; of an allowed undeclared one by its name.

    `values` may hold the fields of EDITABLE, those of a timetable (one kind, see `read_entered`)
    unless it is given as `entered`, `calendar` and `day_off`, `key`, `enabled`, `args`, `kwargs`,
    `queue`, `one_off`, `starts_at` and `ends_at`, between which it runs, and `after`, pairs of a
    job and an outcome; with them it needs no timetable of its own. A single date may run however
    late unless a misfire grace is given. Raises InvalidInput.
    """
    after: Sequence[tuple[Job, After]] = values.get("after") or ()
    if after:
        lock_dependencies(now=now)
    if after and not TIMETABLE_FIELDS & values.keys():
        entered = OF_ITS_OWN_NEVER
    entered = entered or read_entered(values, job=None, now=now)
    assert entered is not None
    if values.get("calendar") is not None:
        hold(CALENDARS, now=now)
    task = function if isinstance(function, str) else function.task
    declaration = find(task)
    job = _new_job(function, values, declaration, is_one_off=isinstance(entered.timetable, At))
    args = list(values.get("args") or [])
    kwargs = values.get("kwargs")
    kwargs = dict(declaration.kwargs if kwargs is None and declaration else kwargs or {})
    check_arguments(task, args, kwargs)
    check_bounds(values.get("starts_at"), values.get("ends_at"))
    periodic_task = PeriodicTask(
        name=job.key,
        task=task,
        args=json.dumps(args),
        kwargs=json.dumps(kwargs),
        queue=job.queue or None,
        enabled=values.get("enabled", True),
        description=values.get("description_en", ""),
        start_time=values.get("starts_at"),
        expires=values.get("ends_at"),
    )
    point_at(periodic_task, job, entered.timetable)
    periodic_task.one_off |= bool(values.get("one_off"))
    job.interval_parts = entered.parts
    job.periodic_task = periodic_task
    job.created_by_id = getattr(by, "pk", None)
    put_into_force(job, now=now, by=actor_name(by))
    check_fires(job)
    if job.is_enabled and job.next_run_at is None and not after:
        raise InvalidInput("timetable", describe(entered.timetable), "one that fires again")
    if after:
        set_dependencies(job, after, now=now)
    record(
        "create",
        subject=f"job:{job.key}",
        actor=by,
        source=source,
        now=now,
        after=_as_recorded(job) | ({"after": words_of(job)} if after else {}),
        reason=reason,
    )
    return job


def find_function(*, number: int | None = None, key: str | None = None) -> TaskFunction:
    """Return the declared task with this number or key. Raises InvalidInput for neither or both,
    an unknown one, and one that code no longer declares.
    """
    if number is None and key is None:
        raise Missing("task_function_id", "give it, or task_function_key")
    if number is not None and key is not None:
        accepted = "either task_function_id or task_function_key"
        raise InvalidInput("task_function_id", "both", accepted)
    functions = TaskFunction.objects.filter(is_active=True)
    field = "task_function_id" if number is not None else "task_function_key"
    chosen = functions.filter(key=key) if number is None else functions.filter(pk=number)
    function = chosen.first()
    if function is None:
        raise InvalidInput(field, key if number is None else number, "a declared task function")
    return function


def _new_job(
    function: TaskFunction | str,
    values: Mapping[str, Any],
    declaration: Declaration | None,
    *,
    is_one_off: bool,
) -> Job:
    key = _new_key(function, values.get("key"))
    if isinstance(function, str):
        job = Job(key=key, task=function, owner=Owner.OPERATOR)
    else:
        job = Job(key=key, task=function.task, task_function=function, owner=Owner.OPERATOR)
    job.queue = values.get("queue", "")
    if declaration is not None:
        for name, value in given_by_task(declaration).items():
            setattr(job, name, value)
        job.queue = values.get("queue") or declaration.queue
    if is_one_off:
        job.misfire_grace = None
    for name in EDITABLE:
        if name in values:
            setattr(job, name, values[name])
    check_policy({name: getattr(job, name) for name in EDITABLE})
    take_calendar(job, values)
    check_rules(job)
    return job


def _new_key(function: TaskFunction | str, wanted: str | None) -> str:
    if wanted is None:
        assert not isinstance(function, str), "an undeclared task's job needs a key"
        number = Job.objects.filter(task_function=function).count() + 1
        wanted = f"{function.key[:180]}-{number}"
        if not is_taken(wanted):
            return wanted
        return f"{function.key[:150]}-{uuid4().hex[:12]}"
    if len(wanted) > LONGEST_KEY:
        raise InvalidInput("key", wanted, f"at most {LONGEST_KEY} characters")
    if reason := why_no_key(wanted):
        raise InvalidInput("key", wanted, f"another key: {reason}")
    if is_taken(wanted):
        raise InvalidInput("key", wanted, "a key that no job has had; a deleted one keeps its own")
    return wanted


def is_taken(key: str) -> bool:
    """Whether a job has the key, or had it, or a periodic task has it as its name."""
    taken = PeriodicTask.objects.filter(name=key).exists()
    return taken or Job.objects.filter(key=key).exists()


def taken_keys() -> set[str]:
    """Return all keys that are taken, for many questions at once."""
    names = PeriodicTask.objects.values_list("name", flat=True)
    return {*names.iterator(), *Job.objects.values_list("key", flat=True).iterator()}


def _as_recorded(job: Job) -> dict[str, Any]:
    shown = ("task", "timetable", "args", "kwargs", "priority", "max_instances", "is_enabled")
    return {name: getattr(job, name) for name in shown}
