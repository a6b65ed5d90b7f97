"""What a worker cannot or must not execute: it survives, and the ledger tells the truth."""

from typing import Any
from uuid import uuid4

import pytest
from celery import Celery
from celery.result import AsyncResult
from django_celery_results.models import TaskResult
from kombu import Connection, Exchange

from project.celery import app
from project.devstack.waiting import wait_until
from schedules.models import AuditEntry, Run
from tests.stack import stack_jobs as jobs
from tests.stack.facts import effects, ended, run_of, value_of
from tests.stack.nodes import WorkerNode
from tests.stack.system import System

pytestmark = pytest.mark.stack


@pytest.fixture(autouse=True)
def survives(running: System, worker: WorkerNode) -> Any:
    """Assert that the same worker goes on working after the test."""
    pid = worker.pid
    yield
    assert value_of(jobs.add.delay(1, 1)) == 2
    assert (worker.pid, worker.container.status) == (pid, "running")


def send(task: str, task_id: str, *args: object) -> AsyncResult[Any]:
    """Send a message past the ledger, as somebody would who can write to the broker."""
    return Celery.send_task(app, task, args, task_id=task_id)


def outcome_of(task_id: str) -> TaskResult:
    found = TaskResult.objects.filter(task_id=task_id)
    wait_until(found.exists, what=f"a result of {task_id}")
    return found.get()


def refusals(task_id: str) -> int:
    return AuditEntry.objects.filter(subject=f"message:{task_id}", action="refuse").count()


@pytest.mark.smoke
def test_a_task_that_does_not_exist_is_a_failure() -> None:
    task_id = str(uuid4())

    send("nobody.knows", task_id)

    assert outcome_of(task_id).status == "FAILURE"
    assert "NotRegistered" in outcome_of(task_id).result


def test_a_message_that_cannot_be_decoded_changes_nothing(
    running: System, worker: WorkerNode
) -> None:
    with Connection(running.server.url) as connection:
        producer = connection.Producer()
        for body, kind in (
            (b"{not json", "application/json"),
            (b"\x80\x04.", "application/x-python-serialize"),
        ):
            producer.publish(
                body,
                exchange=Exchange(""),
                routing_key="celery",
                content_type=kind,
                content_encoding="utf-8",
                headers={"task": "stack_jobs.effect", "id": str(uuid4()), "lang": "py"},
            )

    worker.assert_log_exists("decod", timeout=30)


def test_what_is_no_message_at_all_changes_nothing(running: System) -> None:
    running.server.put(b"garbage")
    running.server.put(b'{"body": 1}')


@pytest.mark.smoke
def test_a_forged_message_with_an_unknown_id_runs_nothing() -> None:
    task_id = str(uuid4())

    send("stack_jobs.effect", task_id, "forged")

    assert outcome_of(task_id).status == "FAILURE"
    assert "UnplannedCall" in outcome_of(task_id).result
    assert (refusals(task_id), effects("forged")) == (1, 0)


def test_a_forged_message_can_not_choose_another_task_for_a_run() -> None:
    waiting = jobs.add.apply_async((1, 2), countdown=3600)

    send("stack_jobs.effect", waiting.id, "forged task")

    wait_until(lambda: refusals(waiting.id) == 1, what="the refusal")
    assert (run_of(waiting).state, effects("forged task")) == ("planned", 0)


def test_a_forged_message_can_not_start_a_run_early_or_with_other_arguments() -> None:
    waiting = jobs.effect.apply_async(("as planned",), countdown=2)

    send("stack_jobs.effect", waiting.id, "other arguments")

    assert value_of(waiting) == "as planned"
    assert (effects("as planned"), effects("other arguments")) == (1, 0)
    run = run_of(waiting)
    assert run.started_at is not None
    assert run.started_at >= run.due_at


def test_a_message_of_a_finished_run_changes_nothing() -> None:
    done = jobs.effect.delay("done")
    value_of(done)
    before = Run.objects.filter(task_id=done.id).values().get()

    send("stack_jobs.effect", done.id, "done")
    value_of(jobs.add.delay(1, 1))

    assert Run.objects.filter(task_id=done.id).values().get() == before
    assert (effects("done"), done.state) == (1, "SUCCESS")


@pytest.mark.parametrize(
    ("job", "state", "error"),
    [
        (jobs.exceed_hard_limit, "timed_out", "TimeLimitExceeded"),
        (jobs.exceed_soft_limit, "timed_out", "SoftTimeLimitExceeded"),
        (jobs.end_own_process, "lost", "WorkerLostError"),
        (jobs.return_what_no_log_can_hold, "failed", "EncodeError"),
    ],
)
def test_a_run_that_cannot_end_by_itself_is_ended(job: Any, state: str, error: str) -> None:
    result = job.delay()

    run = ended(result)
    assert (run.state, run.error.partition(":")[0]) == (state, error)
    assert result.state == "FAILURE"
    assert run.attempts.get().outcome == state
