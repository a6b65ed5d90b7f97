"""What the tests wait for and compare: runs, outcomes and effects in the system's database."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from celery.result import AsyncResult

from project.devstack.waiting import wait_until
from schedules.models import Calendar, Run

PATIENCE = timedelta(seconds=45)
"""How long to wait for what should come soon: other programs use the machine too."""


def run_of(result: AsyncResult[Any] | str) -> Run:
    """The run behind a result."""
    return Run.objects.get(task_id=UUID(str(getattr(result, "id", result))))


def ended(result: AsyncResult[Any] | str, *, timeout: timedelta = PATIENCE) -> Run:
    """Wait for the outcome of a run and return it."""
    wait_until(lambda: run_of(result).is_final, what=f"the end of run {result}", timeout=timeout)
    return run_of(result)


def all_ended(results: Iterable[AsyncResult[Any]], *, timeout: timedelta = PATIENCE) -> None:
    """Wait for the outcomes of many runs."""
    ids = [UUID(result.id) for result in results]
    open_runs = Run.objects.filter(task_id__in=ids).unfinished()
    wait_until(lambda: not open_runs.exists(), what=f"the end of {len(ids)} runs", timeout=timeout)


def value_of(result: AsyncResult[Any], *, timeout: timedelta = PATIENCE) -> Any:
    """What `AsyncResult.get()` returns."""
    return result.get(timeout=timeout.total_seconds(), interval=0.05)


def effects(name: str) -> int:
    """How often the effect `name` was committed."""
    return Calendar.objects.filter(name__startswith=f"{name}#").count()


def outcomes(result: AsyncResult[Any] | str) -> list[str]:
    """How the run's attempts ended, in order."""
    attempts = run_of(result).attempts.order_by("number")
    return [str(outcome) for outcome in attempts.values_list("outcome", flat=True)]
