"""A broker that fails in whatever way never fails the caller: the run is committed and waits."""

from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path

import pytest
from amqp.exceptions import PreconditionFailed
from celery import Celery
from django_celery_results.models import TaskResult

from schedules.dispatch import end_expired, publish
from schedules.models import Run
from tests.broker import running_broker
from tests.schedules import sample_jobs
from tests.sql import run_sql

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


@pytest.mark.parametrize("options", ["[]", "null", "5", '{"time_limit": "soon"}'])
def test_a_run_whose_message_cannot_be_made_ends_as_failed_and_the_others_are_sent(
    monkeypatch: pytest.MonkeyPatch, make_run: Callable[..., Run], tmp_path: Path, options: str
) -> None:
    monkeypatch.setattr(import_module("schedules.dispatch.publish"), "_closed_until", 0.0)
    broken, healthy = make_run(), make_run()
    run_sql("UPDATE schedules_run SET options = %s WHERE id = %s", options, broken.pk)

    with running_broker(tmp_path):
        assert publish(list(Run.objects.waiting().order_by("pk"))) == 1

    broken.refresh_from_db()
    healthy.refresh_from_db()
    assert healthy.state == "sent"
    assert (broken.state, broken.publish_at) == ("failed", None)
    assert broken.finished_at is not None
    assert broken.reason.startswith("no message can be made for it: ")
    assert broken.reason in broken.error
    assert TaskResult.objects.get(task_id=broken.task_id).status == "FAILURE"


def test_a_run_with_unreadable_options_ends_when_it_expires(
    make_run: Callable[..., Run], now: datetime
) -> None:
    broken, other = make_run(expires_at=now), make_run(expires_at=now)
    run_sql("UPDATE schedules_run SET options = %s WHERE id = %s", "[]", broken.pk)

    assert end_expired(now=now + timedelta(minutes=1)) == 2

    assert set(Run.objects.values_list("state", flat=True)) == {"missed"}
    assert TaskResult.objects.filter(task_id__in=[broken.task_id, other.task_id]).count() == 2
