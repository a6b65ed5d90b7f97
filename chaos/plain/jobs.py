"""The sample jobs as plain Celery tasks: the same work, the same traces."""

import os
import signal
import time
from typing import Any

from celery import shared_task
from django.db import connection, transaction

from chaos.witness import testify
from chaos.workload import SAMPLES, Sample


def leave_effect(request: Any, name: str, subject: str = "") -> None:
    """Write a row that nothing keeps from being written twice."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO chaos_effect (run, attempt, job, subject) VALUES (%s, %s, %s, %s)",
            [request.id, request.retries + 1, name, subject],
        )


def begun(request: Any, name: str) -> dict[str, Any]:
    """Say that a body has begun; return what its other lines say as well."""
    facts = {"run": request.id, "attempt": request.retries + 1, "job": name}
    testify("begin", **facts)
    return facts


def declare(sample: Sample) -> Any:
    """Make one sample a task."""

    def body(self: Any) -> dict[str, Any]:
        facts = begun(self.request, sample.key)
        if sample.body == "poison":
            os.kill(os.getpid(), signal.SIGKILL)
        if sample.body == "flaky" and not self.request.retries:
            raise self.retry(countdown=1, max_retries=sample.max_retries)
        time.sleep(sample.work_seconds)
        with transaction.atomic():
            leave_effect(self.request, sample.key)
        testify("end", **facts)
        return {"message": "done"}

    body.__name__ = body.__qualname__ = sample.key
    return shared_task(name=f"plain.{sample.key}", bind=True)(body)


for _sample in SAMPLES.values():
    declare(_sample)


@shared_task(name="plain.one_off", bind=True)
def one_off(self: Any, call: str, step: int = 0) -> dict[str, Any]:
    """Leave the effect of one step of a call that the client made."""
    facts = begun(self.request, "one_off")
    with transaction.atomic():
        leave_effect(self.request, "one_off", f"{call}/{step}")
    testify("end", **facts)
    return {"message": "done"}
