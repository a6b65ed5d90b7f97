"""Changing a job's names and policy: what is written, who owns it then, and the trace it leaves."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction

from schedules.access import Source, actor_name, record
from schedules.dispatch import write_version
from schedules.dispatch.plan import due_at_of
from schedules.errors import InvalidInput, JobDeleted
from schedules.models import Job

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
)
"""Fields of a job that an operator may set. When and what it runs is said by its periodic task."""


@transaction.atomic
def edit_job(
    job: Job,
    *,
    fields: Sequence[str],
    by: "AbstractBaseUser | AnonymousUser | str",
    source: Source,
    now: datetime,
    reason: str = "",
) -> Job:
    """Save the given fields of `job` as they now are on the object, and nothing else of it.

    Fields that code declares become the operator's own: a later installation leaves them alone. The
    next occurrence keeps its instant and takes the new jitter. Nothing changed, nothing is written.
    Raises JobDeleted, and InvalidInput for a policy that contradicts itself.
    """
    names = [name for name in fields if name in EDITABLE]
    check_policy({name: getattr(job, name) for name in EDITABLE})
    # Locked against a Beat that plans it: what follows is worked out from the occurrence it left.
    stored = Job.objects.select_for_update(no_key=True, of=("self",)).get(pk=job.pk)
    if not stored.is_active:
        raise JobDeleted(stored.key)
    before = {name: getattr(stored, name) for name in names}
    after = {name: getattr(job, name) for name in names}
    changed = [name for name in names if before[name] != after[name]]
    if not changed:
        return job
    job.overridden = _now_overridden(stored, changed)
    job.updated_by_id = getattr(by, "pk", None)
    job.next_due_at = due_at_of(job, stored.next_run_at)
    job.version = stored.version + 1
    saved = [*changed, "version", "next_due_at", "overridden", "updated_by", "updated_at"]
    job.save(update_fields=saved)
    write_version(job, since=now, by=actor_name(by))
    record(
        "edit",
        subject=f"job:{stored.key}",
        actor=by,
        source=source,
        now=now,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
        reason=reason,
    )
    return job


def check_policy(values: Mapping[str, Any]) -> None:
    """Raise InvalidInput, naming the field, for durations that make no sense."""
    for name in ("misfire_grace", "jitter", "retry_delay"):
        length = values.get(name)
        if length is not None and length < timedelta(0):
            raise InvalidInput(name, str(length), "zero or a length of time")
    for name in ("time_limit", "soft_time_limit", "retention"):
        length = values.get(name)
        if length is not None and length <= timedelta(0):
            raise InvalidInput(name, str(length), "longer than zero, or empty for none")
    soft, hard = values.get("soft_time_limit"), values.get("time_limit")
    if soft is not None and hard is not None and soft >= hard:
        raise InvalidInput("soft_time_limit", str(soft), f"shorter than time_limit, {hard}")


def _now_overridden(job: Job, changed: Sequence[str]) -> list[str]:
    declared = job.declared or {}
    return sorted({*job.overridden, *(name for name in changed if name in declared)})
