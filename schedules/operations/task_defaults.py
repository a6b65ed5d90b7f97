"""What the jobs of a declared task have from their task."""

from collections.abc import Collection
from typing import Any

from schedules.models import Job
from schedules.registry import Declaration, find, texts_of


def given_by_task(declaration: Declaration) -> dict[str, Any]:
    """Return what each job of a declared task has from it, by the job's columns, if nobody says
    otherwise.
    """
    return {
        "queue": declaration.queue,
        "on_lost": declaration.on_lost,
        "max_retries": declaration.max_retries,
        "retry_delay": declaration.retry_delay,
        "time_limit": declaration.time_limit,
        "soft_time_limit": declaration.soft_time_limit,
        "exclusive": declaration.exclusive,
        "checks": texts_of(declaration.checks),
    }


def exchange_what_the_task_gave(
    job: Job, declaration: Declaration | None, *, besides: Collection[str]
) -> None:
    """Give the job what another task gives, where it has what its present one gave."""
    present = find(job.task)
    if declaration is None or present is None or declaration is present:
        return
    given = given_by_task(present)
    for name, value in given_by_task(declaration).items():
        if name not in besides and (getattr(job, name) or None) == (given[name] or None):
            setattr(job, name, value)
