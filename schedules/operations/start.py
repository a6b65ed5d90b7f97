"""Runs that a start of Beat brings with it."""

from datetime import datetime

from django.db import IntegrityError, transaction

from schedules.dispatch import Call, load, park
from schedules.models import Job
from schedules.registry import all_declared


def plan_start_runs(*, now: datetime) -> int:
    """Park one run of every enabled job that is declared `at_start`; return how many.

    Several Beats that start together plan one run between them: they have the same subject.
    """
    try:
        return _plan(now)
    except IntegrityError:
        return _plan(now)  # another Beat wrote them in this very moment; now they are seen


@transaction.atomic
def _plan(now: datetime) -> int:
    wanted = {d.key: d for d in all_declared() if d.at_start is not None}
    jobs = load(Job.objects.enabled().filter(key__in=wanted), now=now)
    for job in jobs:
        declaration = wanted[job.key]
        assert declaration.at_start is not None
        call = Call(key=f"start:{job.key}", at=now + declaration.at_start, kwargs=job.kwargs)
        park(declaration, [call], job=job)
    return len(jobs)
