"""A broker that fails in whatever way never fails the caller: the run is committed and waits."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import redis
from amqp.exceptions import PreconditionFailed
from celery import Celery, current_app
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_celery_results.models import TaskResult
from kombu.exceptions import OperationalError

from schedules.beat import Chores, Scheduler
from schedules.broker import EMPTY, FULL, breaker
from schedules.dispatch import end_expired, plan_due, publish, take_outbox
from schedules.dispatch.envelope import Envelopes
from schedules.dispatch.publisher import Publisher
from schedules.lease import instance_id
from schedules.models import Job, Run
from schedules.querysets.clock import database_now
from schedules.states import RunState
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

    result = sample_jobs.add.delay(1, 2)

    run = Run.objects.get(task_id=result.id)
    assert (run.sent_at, run.attempt) == (None, 0)


@pytest.mark.parametrize("options", ["[]", "null", "5", '{"time_limit": "soon"}'])
def test_a_run_whose_message_cannot_be_made_ends_as_failed_and_the_others_are_sent(
    monkeypatch: pytest.MonkeyPatch, make_run: Callable[..., Run], tmp_path: Path, options: str
) -> None:
    broken, healthy = make_run(), make_run(state=RunState.SENT)
    run_sql("UPDATE schedules_run SET options = %s WHERE id = %s", options, broken.pk)

    with running_broker(tmp_path):
        assert publish(list(Run.objects.waiting().order_by("pk"))) == 1

    broken.refresh_from_db()
    healthy.refresh_from_db()
    assert healthy.sent_at is not None
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


def refuse(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let the broker refuse every message at once; returns how often it was asked."""
    asked: list[int] = []

    def fail(*_: object, **__: object) -> None:
        asked.append(1)
        raise OperationalError("connection refused")

    monkeypatch.setattr(Celery, "producer_or_acquire", fail)
    return asked


def test_what_the_broker_refuses_counts_as_never_sent_and_is_the_outboxs_at_once(
    make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = refuse(monkeypatch)
    for key in ("one", "other"):
        make_job(key, due=database_now())
        # The second one is not tried, so soon after the first.
        assert publish(plan_due(now=database_now())) == 0
    assert len(asked) == 1

    assert list(Run.objects.values_list("state", "sends", "sent_at")) == [("planned", 0, None)] * 2
    taken = take_outbox(now=database_now(), limit=10, backlog=FULL)
    assert len(taken) == 2
    assert list(Run.objects.values_list("sends", flat=True)) == [1, 1]


def test_a_call_that_the_broker_refuses_is_the_outboxs_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refuse(monkeypatch)

    sample_jobs.add.delay(1, 2)

    assert Run.objects.ready_to_send(database_now()).filter(sends=0).count() == 1


def test_of_a_run_that_is_offered_again_in_vain_the_sendings_before_count(
    make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch)
    make_run(sends=3)

    publish(take_outbox(now=database_now(), limit=10, backlog=EMPTY))

    assert Run.objects.ready_to_send(database_now()).get().sends == 3


def test_a_run_that_was_taken_or_put_off_meanwhile_is_left_as_it_is(
    make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch)
    later = database_now() + timedelta(hours=1)
    taken, put_off = make_run(sends=1), make_run(sends=1)
    runs = list(Run.objects.all())
    Run.objects.filter(pk=taken.pk).update(state="running", publish_at=None)
    Run.objects.filter(pk=put_off.pk).update(due_at=later, publish_at=later)

    publish(runs)

    seen = Run.objects.order_by("pk").values_list("publish_at", "sends")
    assert list(seen) == [(None, 1), (later, 1)]


def test_a_broker_that_fails_after_it_took_a_message_gets_it_twice_and_one_is_executed(
    make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = make_run(sends=1, publish_at=database_now() + timedelta(seconds=5))
    flush = Envelopes.flush

    def flush_and_fail(envelopes: Envelopes) -> None:
        flush(envelopes)
        raise OperationalError("connection reset")

    with running_broker(tmp_path) as url, monkeypatch.context() as failing:
        failing.setattr(Envelopes, "flush", flush_and_fail)
        assert publish([run]) == 0
        failing.undo()
        breaker.forget()  # two seconds later
        assert publish(take_outbox(now=database_now(), limit=10, backlog=EMPTY)) == 1
        with redis.Redis.from_url(url) as client:
            assert sum(client.llen(name) for name in client.keys("celery*")) == 2

    claims = [
        Run.objects.claim(run.task_id, task=run.task, instance_id=instance_id(), pid=1)
        for _ in range(2)
    ]
    assert [one and one.pk for one in claims] == [run.pk, None]


@pytest.mark.parametrize("number", [1, 20])
def test_while_the_broker_refuses_beat_offers_it_nothing_however_much_waits(
    make_run: Callable[..., Run], make_job: Callable[..., Job], number: int
) -> None:
    for _ in range(number):
        make_run()
    make_job(due=database_now())
    beat = Scheduler(app=current_app, lazy=True)
    beat._publisher, beat._chores = Publisher(), Chores()
    beat._publisher.backlog = EMPTY
    beat._tick()  # with what a start brings
    breaker.trip()
    make_job("other", due=database_now())
    beat._publisher._waiting.clear()

    with CaptureQueriesContext(connection) as statements:
        beat._tick()

    assert beat._publisher._waiting == []
    assert not [one for one in statements if one["sql"].startswith('UPDATE "schedules_run"')]
    assert Run.objects.ready_to_send(database_now()).filter(job__key="other", sends=0).exists()
