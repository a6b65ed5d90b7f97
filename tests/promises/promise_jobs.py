"""Declared tasks whose effects can be counted: rows in the database, lines in a file outside."""

import os
from datetime import timedelta
from uuid import uuid4

from schedules.models import Calendar
from schedules.public import CurrentRun, job


def leave_effect(name: str) -> None:
    """Write a row that nothing keeps from being written twice."""
    Calendar.objects.create(name=f"{name}#{uuid4().hex}")


def effects(name: str) -> int:
    """How often the effect `name` was committed."""
    return Calendar.objects.filter(name__startswith=f"{name}#").count()


def tell_outside(file: str) -> None:
    """Append a byte to a file: an effect that no rollback takes back."""
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, b"x")
    os.close(descriptor)


@job(key="promised_effect", atomic=True)
def effect(name: str) -> str:
    """Leave one effect, together with the success."""
    leave_effect(name)
    return name


@job(idempotent=True)
def batches(name: str, *, run: CurrentRun) -> str:
    """Leave two effects, each in a short transaction of its own, and end with the second."""
    with run.fenced():
        leave_effect(f"{name} first attempt {run.attempt}")
    with run.fenced():
        leave_effect(name)
        run.commit(name)
    return name


@job()
def outside(file: str) -> str:
    """Do something outside the database that must not be done twice."""
    tell_outside(file)
    return file


@job(idempotent=True)
def outside_again(file: str) -> str:
    """Do something outside the database that may be done again."""
    tell_outside(file)
    return file


@job(atomic=True, max_retries=1, retry_delay=timedelta(0))
def succeed_at_second_try(name: str, *, run: CurrentRun) -> str:
    """Leave an effect and fail at the first try."""
    leave_effect(name)
    if run.row.retries == 0:
        raise ValueError("not yet")
    return name


@job(atomic=True)
def ask_for_retry(name: str, *, run: CurrentRun) -> str:
    """Leave an effect and ask for another try at the first one."""
    from celery import current_task

    leave_effect(name)
    if run.row.retries == 0:
        raise current_task.retry(countdown=0)
    return name


@job(key="promised_fail", atomic=True)
def fail(name: str) -> None:
    """Leave an effect and raise."""
    leave_effect(name)
    raise ValueError("on purpose")


@job(key="promised_total", atomic=True)
def total(numbers: list[int]) -> int:
    """Leave an effect with the sum of all numbers: the body of chords."""
    leave_effect(f"total {sum(numbers)}")
    return sum(numbers)


@job(idempotent=True)
def number(value: int) -> int:
    """Return the number: a part of chords."""
    return value
