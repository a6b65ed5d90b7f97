"""Calls for later wait as rows; revoking ends them, wherever they stand."""

from datetime import UTC, datetime, timedelta

import pytest
from celery import current_app
from celery.exceptions import TaskRevokedError
from django.db import transaction

from project.devstack.waiting import wait_until
from schedules import broker as broker_questions
from schedules.models import Run
from schedules.public import Call, cancel, park, subject
from tests.stack import stack_jobs as jobs
from tests.stack.facts import PATIENCE, effects, ended, run_of, value_of
from tests.stack.system import System

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("running")]


@pytest.mark.smoke
def test_a_call_for_later_is_a_row_and_no_message() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=3)
    result = jobs.effect.apply_async(("later",), eta=soon)
    far = jobs.effect.apply_async(("much later",), countdown=86_400 * 365)

    assert (result.state, far.state) == ("PENDING", "PENDING")
    assert (run_of(result).due_at, run_of(result).sends) == (soon, 0)
    assert not any(broker_questions.depths(current_app, current_app.amqp.queues).values())

    assert value_of(result) == "later"
    started = run_of(result).started_at
    assert started is not None
    assert timedelta(0) <= started - soon < timedelta(seconds=2)
    assert effects("later") == 1
    assert run_of(far).state == "planned"


def test_a_parked_call_moves_with_its_subject() -> None:
    key = subject(jobs.effect, "moved")
    now = datetime.now(UTC)
    park(jobs.effect, [Call(key=key, at=now + timedelta(hours=1), args=("moved first",))])
    later = park(jobs.effect, [Call(key=key, at=now + timedelta(seconds=2), args=("moved twice",))])

    assert (later.created, later.moved) == (0, 1)
    run = Run.objects.get(natural_key=key)
    assert ended(str(run.task_id)).summary == "'moved twice'"
    assert (effects("moved first"), effects("moved twice")) == (0, 1)


def test_a_call_that_was_cancelled_before_its_time_never_runs() -> None:
    key = subject(jobs.effect, "cancelled")
    at = datetime.now(UTC) + timedelta(seconds=1)
    park(jobs.effect, [Call(key=key, at=at, args=("cancelled",))])

    assert cancel([key], reason="changed my mind") == 1

    after = jobs.effect.apply_async(("after the cancelled",), eta=at + timedelta(seconds=1))
    value_of(after)
    run = Run.objects.get(natural_key=key)
    assert (run.state, run.reason, effects("cancelled")) == ("cancelled", "changed my mind", 0)


@pytest.mark.smoke
def test_a_call_that_was_revoked_before_its_time_never_runs() -> None:
    result = jobs.effect.apply_async(("revoked",), countdown=1)

    result.revoke()

    assert result.state == "REVOKED"
    value_of(jobs.effect.apply_async(("after the revoked",), countdown=2))
    assert (run_of(result).state, effects("revoked")) == ("cancelled", 0)
    with pytest.raises(TaskRevokedError):
        value_of(result)


def test_the_command_line_revokes_a_parked_call(running: System) -> None:
    result = jobs.effect.apply_async(("revoked by command",), countdown=3600)

    said = running.run("-m", "celery", "-A", "project", "control", "revoke", result.id)

    assert said.returncode == 0, said.stdout + said.stderr
    assert ended(result).state == "cancelled"
    assert result.state == "REVOKED"


def test_a_running_call_ends_as_cancelled_when_it_is_terminated(running: System) -> None:
    result = jobs.hold.delay("terminated")
    running.started("terminated")

    result.revoke()
    assert run_of(result).state == "running", "a plain revoke leaves it alone"
    result.revoke(terminate=True)

    assert ended(result).state == "cancelled"
    assert result.state == "REVOKED"
    running.release("terminated")
    assert value_of(jobs.add.delay(1, 1)) == 2, "the worker goes on"


def test_a_call_made_in_a_transaction_waits_for_its_commit() -> None:
    with transaction.atomic():
        kept = jobs.effect.delay("kept")
        with transaction.atomic():
            dropped = jobs.effect.delay("dropped")
            transaction.set_rollback(True)

    assert value_of(kept) == "kept"
    wait_until(lambda: effects("kept") == 1, what="the effect", timeout=PATIENCE)
    assert not Run.objects.filter(task_id=dropped.id).exists()
    assert effects("dropped") == 0
