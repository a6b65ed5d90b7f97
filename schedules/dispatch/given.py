"""The policy that a periodic task gives its job, in force instead of the job's own.

`Job.own_policy` keeps the job's own values meanwhile, so that they come back when the periodic task
says nothing any more.
"""

from datetime import timedelta
from typing import Any

from django_celery_beat.models import PeriodicTask

from schedules.adapters.periodic import Reading
from schedules.models import Job

GIVEN = {"priority": "priority", "misfire_grace": "expire_seconds"}
"""Fields of a job that its periodic task may give, and the column there."""


def gives_other(job: Job, reading: Reading) -> bool:
    """Whether the policy in force is not what the periodic task now says."""
    own = job.own_policy or {}
    return any(
        name in own if value is None else value != getattr(job, name)
        for name, value in reading.policy.items()
    )


def take_given(job: Job, reading: Reading) -> bool:
    """Put what the periodic task gives into force, or back what it replaced; True if the policy is
    another one now. The caller saves the job.

    A declared field comes back as code declares it: the periodic task's was a later word than any
    other of an operator.
    """
    if not gives_other(job, reading):
        return False
    own, declared = dict(job.own_policy or {}), job.declared or {}
    overridden = set(job.overridden)
    for name, value in reading.policy.items():
        if value is not None:
            own.setdefault(name, _as_json(getattr(job, name)))
            setattr(job, name, value)
        elif name in own:
            kept = own.pop(name)
            setattr(job, name, _as_value(name, declared.get(name, kept)))
        else:
            continue
        overridden.discard(name)
        if name in declared and declared[name] != _as_json(getattr(job, name)):
            overridden.add(name)
    job.own_policy, job.overridden = own or None, sorted(overridden)
    return True


def take_back(job: Job, periodic_task: PeriodicTask | None, name: str) -> None:
    """Let the job's own value of the field hold from now on. The caller saves both rows."""
    if periodic_task is not None:
        setattr(periodic_task, GIVEN[name], None)
    own = {other: kept for other, kept in (job.own_policy or {}).items() if other != name}
    job.own_policy = own or None


def _as_json(value: Any) -> Any:
    return value.total_seconds() if isinstance(value, timedelta) else value


def _as_value(name: str, stored: Any) -> Any:
    is_length = name == "misfire_grace" and stored is not None
    return timedelta(seconds=stored) if is_length else stored
