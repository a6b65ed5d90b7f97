"""Jobs that do what the tests of the real system need to watch: write, wait, fail, kill.

What they do outside the database goes to files in a folder that tests and workers share.
"""

import os
import signal
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any
from uuid import uuid4

from celery import current_task, shared_task
from celery.exceptions import SoftTimeLimitExceeded

from project.devstack.waiting import wait_until
from schedules.models import Calendar
from schedules.public import CurrentRun, job

FOLDER = "STACK_TESTS_FOLDER"
"""Environment variable with the path of the shared folder."""

RELEASED_WITHIN = timedelta(seconds=60)


def append(file: str, line: str) -> None:
    """Append a line in one write, so that lines of several processes never mix."""
    path = Path(os.environ[FOLDER]) / file
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, f"{line}\n".encode())
    finally:
        os.close(descriptor)


def signal_and_wait(name: str) -> None:
    """Note this process's id in `<name>.started`, and wait for the file `<name>.release`."""
    append(f"{name}.started", str(os.getpid()))
    release = Path(os.environ[FOLDER]) / f"{name}.release"
    wait_until(release.exists, what=f"the release of {name}", timeout=RELEASED_WITHIN)


def leave_effect(name: str) -> None:
    """Write a row that nothing keeps from being written twice."""
    Calendar.objects.create(name=f"{name}#{uuid4().hex}")


@job(key="add_in_stack", idempotent=True)
def add(x: int, y: int = 0) -> int:
    """Return the sum of two numbers."""
    return x + y


@job(idempotent=True)
def total(numbers: list[int]) -> int:
    """Return the sum of all numbers: the body of chords."""
    return sum(numbers)


@job(idempotent=True)
def witness(file: str, line: str) -> str:
    """Append a line to a file."""
    append(file, line)
    return line


@job(atomic=True)
def effect(name: str) -> str:
    """Leave one effect in the database, together with the success."""
    leave_effect(name)
    return name


@job()
def fail(message: str) -> None:
    """Raise."""
    raise ValueError(message)


@job(idempotent=True)
def note_failure(file: str, *arguments: Any) -> None:
    """Note that an error callback was called."""
    append(file, "failed")


@job(idempotent=True)
def hold(name: str) -> str:
    """Wait for a file outside of any transaction."""
    signal_and_wait(name)
    return name


@job()
def hold_once(name: str) -> str:
    """Wait for a file; when its worker vanishes, it is lost."""
    signal_and_wait(name)
    return name


@job(atomic=True)
def effect_then_hold(name: str) -> str:
    """Leave an effect and wait for a file before it is committed."""
    leave_effect(name)
    signal_and_wait(name)
    return name


@job(idempotent=True)
def commit_then_hold(name: str, *, run: CurrentRun) -> None:
    """Commit effect and result, and wait for a file before Celery hears of it."""
    with run.fenced():
        leave_effect(name)
        run.commit(name)
    signal_and_wait(name)


@job(idempotent=True)
def work_in_batches(seconds: float, *, run: CurrentRun) -> int:
    """Write four short fenced batches a second, as a long job does."""
    batches = round(seconds * 4)
    for number in range(batches):
        Event().wait(0.25)  # the gathering
        with run.fenced():
            leave_effect(f"batch {run.task_id}")
        run.progress(number + 1, batches)
    return batches


@job(idempotent=True)
def try_until(retries: int, *, countdown: float = 0) -> int:
    """Retry until Celery has counted so many retries; return their number."""
    task: Any = current_task
    if task.request.retries < retries:
        raise task.retry(countdown=countdown, exc=ValueError("not yet"), max_retries=None)
    return int(task.request.retries)


@job(idempotent=True)
def hand_over(x: int, y: int) -> Any:
    """Let another task give this one's result."""
    task: Any = current_task
    return task.replace(add.s(x, y))


@job(idempotent=True)
def call_another(x: int, *, queue: str = "celery") -> str:
    """Call `add` from inside and return the id of that call."""
    return str(add.apply_async((x,), {"y": 1}, queue=queue).id)


@job()
def end_own_process() -> None:
    """Kill the process that executes it."""
    os.kill(os.getpid(), signal.SIGKILL)


@job(time_limit=timedelta(seconds=1))
def exceed_hard_limit() -> None:
    """Work for longer than it may, whatever it is told."""
    with suppress(SoftTimeLimitExceeded):
        Event().wait(30)
    Event().wait(30)


@job(soft_time_limit=timedelta(seconds=1), time_limit=timedelta(seconds=30))
def exceed_soft_limit() -> None:
    """Work for longer than it should."""
    Event().wait(30)


@job()
def return_what_no_log_can_hold() -> object:
    """Return what JSON cannot carry."""
    return object()


@shared_task(name="stack.plain_add")
def plain_add(x: int, y: int = 0) -> int:
    """A Celery task that nobody declared."""
    return x + y


@shared_task(name="stack.plain_ignored", ignore_result=True)
def plain_ignored(file: str) -> None:
    """A Celery task without a result."""
    append(file, "ran")


@shared_task(
    name="stack.plain_autoretry",
    bind=True,
    autoretry_for=(ValueError,),
    default_retry_delay=0,
    max_retries=3,
)
def plain_autoretry(self: Any, until: int) -> int:
    """A Celery task that is retried for an exception of its own."""
    if self.request.retries < until:
        raise ValueError("not yet")
    return int(self.request.retries)


@shared_task(name="stack.plain_call_declared")
def plain_call_declared(x: int) -> str:
    """A Celery task that calls a declared one."""
    return str(add.delay(x, y=1).id)


@shared_task(name="stack.ping")
def ping() -> str:
    """Answer; what `CeleryTestSetup.ready(ping=True)` sends."""
    return "pong"
