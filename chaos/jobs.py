"""The jobs of a chaos run, as workers and Beats load them: each leaves a row and witness lines."""

import os
import signal
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from chaos.witness import testify
from chaos.workload import SAMPLES, Sample
from schedules.public import Cron, CurrentRun, Every, OnLost, Overlap, job


class FirstTry(Exception):
    """What a flaky body raises."""


def leave_effect(run: CurrentRun, name: str, subject: str = "") -> None:
    """Write a row that nothing keeps from being written twice."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO chaos_effect (run, attempt, job, subject) VALUES (%s, %s, %s, %s)",
            [run.task_id.hex, run.attempt, name, subject],
        )


def begun(run: CurrentRun, name: str) -> dict[str, Any]:
    """Say that a body has begun; return what its other lines say as well."""
    facts = {"run": run.task_id.hex, "attempt": run.attempt, "job": name}
    testify("begin", **facts)
    return facts


def _atomic(sample: Sample, run: CurrentRun) -> None:
    leave_effect(run, sample.key)


def _fenced(sample: Sample, run: CurrentRun) -> None:
    time.sleep(sample.work_seconds)
    with run.fenced():
        leave_effect(run, sample.key)
        run.commit({"worked_seconds": sample.work_seconds})


def _once(sample: Sample, run: CurrentRun) -> None:
    time.sleep(sample.work_seconds)


def _flaky(sample: Sample, run: CurrentRun) -> None:
    if run.row.retries < 1 + int(run.scheduled_at.timestamp()) // 5 % 2:
        raise FirstTry
    leave_effect(run, sample.key)


def _poison(sample: Sample, run: CurrentRun) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


BODIES: dict[str, Callable[[Sample, CurrentRun], None]] = {
    "atomic": _atomic,
    "fenced": _fenced,
    "once": _once,
    "flaky": _flaky,
    "poison": _poison,
}


def declare(sample: Sample) -> Any:
    """Declare one sample as a job and return its task."""

    def body(*, scheduled_at: datetime, run: CurrentRun) -> dict[str, Any]:
        facts = begun(run, sample.key)
        BODIES[sample.body](sample, run)
        testify("end", **facts)
        return {"message": "done"}

    body.__name__ = body.__qualname__ = sample.key
    body.__doc__ = f"Sample job {sample.key}."
    return job(
        _timetable(sample),
        atomic=sample.body in ("atomic", "flaky"),
        idempotent=sample.body != "once",
        misfire_grace=_duration(sample.grace_seconds),
        on_lost=OnLost.FAIL if sample.body == "once" else OnLost.RETRY,
        coalesce=sample.coalesce,
        max_instances=sample.max_instances,
        overlap=Overlap(sample.overlap),
        jitter=timedelta(seconds=sample.jitter_seconds),
        max_retries=sample.max_retries,
        retry_delay=timedelta(seconds=1),
    )(body)


def _timetable(sample: Sample) -> Every | Cron:
    if sample.every_seconds is not None:
        return Every(timedelta(seconds=sample.every_seconds))
    return Cron(sample.cron, tz=sample.zone)


def _duration(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


for _sample in SAMPLES.values():
    declare(_sample)


@job(atomic=True)
def one_off(call: str, step: int = 0, *, run: CurrentRun) -> dict[str, Any]:
    """Leave the effect of one step of a call that the client made."""
    facts = begun(run, "one_off")
    leave_effect(run, "one_off", f"{call}/{step}")
    testify("end", **facts)
    return {"message": "done"}
