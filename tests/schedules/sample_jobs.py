"""Declared tasks for the tests of the framework; they do as little as a test needs."""

from datetime import datetime, timedelta
from typing import Any

from celery import Task, current_task, shared_task

from schedules.models import Calendar
from schedules.public import Cron, CurrentRun, SkipRun, job


@job()
def add(x: int, y: int = 0) -> int:
    """Return the sum."""
    return x + y


@job(atomic=True)
def leave_mark(name: str, *, fail: bool = False) -> dict[str, Any]:
    """Write a row and, if asked, fail after it."""
    Calendar.objects.create(name=name)
    if fail:
        raise ValueError(f"{name} was marked in vain")
    return {"message": f"marked {name}"}


@job()
def report_failure(message: str) -> dict[str, Any]:
    """Return what says of itself that it failed."""
    return {"success": False, "message": message, "rows": 3}


@job()
def skip(reason: str) -> None:
    """Decide not to work."""
    raise SkipRun(reason)


@job()
def try_again(times: int) -> int:
    """Retry until it was tried `times` times."""
    task: Task[Any, Any] = current_task
    if task.request.retries < times:
        raise task.retry(countdown=0, exc=ValueError("not yet"), max_retries=None)
    return int(task.request.retries)


@job(idempotent=True)
def tell_time(*, scheduled_at: datetime, run: CurrentRun) -> str:
    """Return what the worker filled in."""
    return f"{scheduled_at.isoformat()} {run.attempt}"


@job()
def return_nonsense() -> object:
    """Return what JSON cannot carry."""
    return object()


@job(Cron("30 0 * * *", tz="Asia/Jakarta"), misfire_grace=timedelta(hours=1), name_ar="يومي")
def daily() -> str:
    """Run every night."""
    return "done"


@shared_task(name="sample.undeclared")
def undeclared(x: int) -> int:
    """A plain Celery task that nobody declared."""
    return x
