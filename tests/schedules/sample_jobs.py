"""Declared tasks for the tests of the framework; they do as little as a test needs."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from celery import Task, current_task, shared_task
from django.db import DatabaseError, connection

from schedules.models import Attempt, Calendar
from schedules.public import Call, CheckedRun, Cron, CurrentRun, Secret, SkipRun, job, park

log = logging.getLogger(__name__)


@job()
def add(x: int, y: int = 0) -> int:
    """Return the sum."""
    return x + y


@job()
def take_anything(y: Any = None) -> None:
    """Take whatever JSON can carry."""


@job(atomic=True)
def leave_mark(name: str, *, fail: bool = False) -> dict[str, Any]:
    """Write a row and, if asked, fail after it."""
    log.warning("marking %s", name)
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
    log.warning("try %d", task.request.retries)
    if task.request.retries < times:
        raise task.retry(countdown=0, exc=ValueError("not yet"), max_retries=None)
    return int(task.request.retries)


@job(max_retries=1)
def fail_beside_a_newer_call(key: str, *, way: str) -> None:
    """Park a newer call for the same subject, and fail or ask for another try."""
    task: Task[Any, Any] = current_task
    later = datetime.now(UTC) + timedelta(days=1)
    park(task, [Call(key=key, at=later, kwargs={"key": key, "way": way})])
    error = ValueError("no paper")
    if way == "ask":
        raise task.retry(countdown=0, exc=error, max_retries=None)
    if way == "ask without a cause":
        raise task.retry(countdown=0, max_retries=None)
    raise error


@job()
def call_add() -> None:
    """Call another task."""
    add.delay(1)


@job()
def talk(words: str, *, run: CurrentRun) -> None:
    """Log, say how far it is, and log an error."""
    log.info("%s", words)
    run.progress(1, 2)
    try:
        int("on purpose")
    except ValueError:
        log.exception("it went wrong")


@job()
def leak(way: str, secret: Secret) -> Any:
    """Give a secret away, by one of many ways."""
    url = f"postgresql://downbeat:{secret}@db/downbeat"
    log.warning("connecting with %s and password=%s", url, secret)
    ways: dict[str, Any] = {
        "result": {"password": secret, "rows": [{"note": f"token={secret}"}]},
        "message": {"success": False, "message": f"refused: {secret}"},
        "length": len(secret),
        "log": None,
    }
    if way == "skip":
        raise SkipRun(f"no {secret} today")
    if way == "exception":
        raise ValueError({"api_key": secret}, f"it was {secret}")
    if way == "dsn":
        raise ConnectionError(f"{url} refused")
    return ways[way]


@job()
def fail_at_length(characters: int) -> None:
    """Fail with a very long message."""
    raise ValueError(f"<script>alert(1)</script>{'x' * characters}the very end")


@job()
def return_much(characters: int) -> str:
    """Return a very long text."""
    return "x" * characters


@job(idempotent=True)
def tell_time(*, scheduled_at: datetime, run: CurrentRun) -> str:
    """Return what the worker filled in."""
    return f"{scheduled_at.isoformat()} {run.attempt}"


@job(idempotent=True)
def lose_connection(*, run: CurrentRun) -> str:
    """Have the server end the connection in the middle of the work, at the first try."""
    with run.fenced(), connection.cursor() as cursor:
        if run.attempt == 1:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    return "kept it"


@job()
def commit_in_vain(name: str, *, go_on: bool = False, run: CurrentRun) -> str:
    """Commit a result in a transaction that is rolled back, and perhaps give another one."""
    try:
        with run.fenced():
            Calendar.objects.create(name=name)
            run.commit(name)
            int("in vain")
    except ValueError:
        if not go_on:
            raise
    return "something else"


@job(atomic=True)
def refer_to_nothing() -> str:
    """Write what the database refuses when it commits."""
    Attempt.objects.create(run_id=0, number=1, ended_at=datetime.now(UTC), outcome="failed")
    return "done"


@job(atomic=True)
def lose_connection_and_mark(name: str, *, run: CurrentRun) -> str:
    """The same after an effect, in one transaction with it."""
    Calendar.objects.create(name=name)
    with connection.cursor() as cursor:
        if run.attempt == 1:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    return "kept it"


@job(atomic=True)
def lose_connection_without_a_code(*, run: CurrentRun) -> str:
    """The same in a way for which the driver knows no error of its own: an answer cut in two."""
    if run.attempt == 1:
        connection.connection.close()
        raise DatabaseError("message contents do not agree with length in message type")
    return "kept it"


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


def has_an_even_total(checked: CheckedRun) -> str | None:
    """A check in Python: an odd total is suspect; 13 cannot be checked at all."""
    total = checked.numbers["total"]
    if total == 13:
        raise ValueError("thirteen")
    return f"{total} is odd" if total % 2 else None


@job(checks=["errors == 0", has_an_even_total])
def count(total: int, errors: int = 0) -> dict[str, Any]:
    """Return what it was given, as jobs that count do."""
    return {"message": f"{total} counted", "data": {"total": total, "errors": errors}}
