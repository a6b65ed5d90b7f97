"""A broker that fails in whatever way never fails the caller: the run is committed and waits."""

from importlib import import_module

import pytest
from amqp.exceptions import PreconditionFailed
from celery import Celery

from schedules.models import Run
from tests.schedules import sample_jobs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("error", [PreconditionFailed("another queue"), ZeroDivisionError()])
def test_a_call_outside_a_transaction_is_planned_all_the_same(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Celery, "producer_or_acquire", fail)
    monkeypatch.setattr(import_module("schedules.dispatch.publish"), "_closed_until", 0.0)

    result = sample_jobs.add.delay(1, 2)

    run = Run.objects.get(task_id=result.id)
    assert (run.state, run.attempt) == ("planned", 0)
