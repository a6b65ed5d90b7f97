"""The same system on RabbitMQ, where Debian's is installed: the rows decide there too."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from celery import chain, chord, current_app
from pytest_django import DjangoDbBlocker

from project.devstack.waiting import wait_until
from schedules import broker
from schedules.models import Run
from tests.stack import stack_jobs as jobs
from tests.stack.facts import all_ended, effects, ended, run_of, value_of
from tests.stack.nodes import BrokerNode
from tests.stack.rabbitmq import PROGRAM, RabbitMQ
from tests.stack.system import System

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(not PROGRAM.exists(), reason="no RabbitMQ server on this machine"),
    pytest.mark.timeout(400),
]


@pytest.fixture(scope="module")
def prepared(
    tmp_path_factory: pytest.TempPathFactory, make_database: Callable[..., str | None]
) -> Iterator[System]:
    """A system of its own, of which nothing runs yet."""
    folder = tmp_path_factory.mktemp("rabbitmq")
    server = RabbitMQ(folder / "server")
    system = System(folder / "data", database_url=make_database(migrated=True), server=server)
    try:
        system.prepare()
        yield system
    finally:
        system.stop()


@pytest.fixture(scope="module")
def server(prepared: System) -> BrokerNode:
    return prepared.start_broker()


@pytest.fixture(scope="module")
def on_rabbitmq(
    prepared: System, server: BrokerNode, django_db_blocker: DjangoDbBlocker
) -> Iterator[System]:
    """Beat, worker and this process speak to RabbitMQ."""
    beat, worker = prepared.start_beat(), prepared.start_worker()
    beat.ready()
    worker.ready()
    with django_db_blocker.unblock(), prepared.as_client():
        yield prepared


def test_calls_chains_chords_and_calls_for_later(on_rabbitmq: System) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=2)
    later = jobs.effect.apply_async(("later",), eta=soon)
    revoked = jobs.effect.apply_async(("revoked",), countdown=3600)
    revoked.revoke()

    assert value_of(chain(jobs.add.s(1, 2), jobs.add.s(10))()) == 13
    assert value_of(chord((jobs.add.s(n, n) for n in range(5)), jobs.total.s())()) == 20
    assert value_of(jobs.try_until.delay(2)) == 2
    assert ended(jobs.fail.delay("on purpose")).state == "failed"

    assert value_of(later) == "later"
    started = run_of(later).started_at
    assert started is not None
    assert timedelta(0) <= started - soon < timedelta(seconds=5)
    assert (effects("later"), revoked.state) == (1, "REVOKED")


def test_beat_and_worker_answer_over_it(on_rabbitmq: System) -> None:
    answers = current_app.control.inspect(timeout=5, limit=2).ping() or {}

    assert {name.partition("@")[0] for name in answers} == {"beat", "worker"}
    assert broker.depths(current_app, ["celery", "never heard of"]) == {
        "celery": 0,
        "never heard of": 0,
    }


def test_a_running_call_is_terminated_over_it(on_rabbitmq: System) -> None:
    result = jobs.hold.delay("terminated on rabbitmq")
    on_rabbitmq.started("terminated on rabbitmq")

    result.revoke(terminate=True)

    assert ended(result).state == "cancelled"
    on_rabbitmq.release("terminated on rabbitmq")


def test_what_its_queue_has_lost_is_sent_again(on_rabbitmq: System) -> None:
    holding = [jobs.hold.delay(f"slot {number}") for number in range(2)]
    for number in range(2):
        on_rabbitmq.started(f"slot {number}")
    results = [jobs.effect.delay("forgotten on rabbitmq") for _ in range(20)]
    sent = Run.objects.filter(task_id__in=[result.id for result in results], state="sent")
    wait_until(lambda: sent.count() == 20, what="the sending")

    on_rabbitmq.server.forget()
    for number in range(2):
        on_rabbitmq.release(f"slot {number}")

    all_ended([*holding, *results], timeout=timedelta(seconds=90))
    assert effects("forgotten on rabbitmq") == 20


def test_its_end_and_return_lose_nothing(on_rabbitmq: System, server: BrokerNode) -> None:
    running = jobs.hold_once.delay("outlives rabbitmq")
    on_rabbitmq.started("outlives rabbitmq")

    server.kill()
    while_away = [jobs.effect.delay("while away") for _ in range(5)]
    server.start_again()
    on_rabbitmq.wait_for_broker()
    on_rabbitmq.release("outlives rabbitmq")

    assert value_of(running) == "outlives rabbitmq"
    all_ended(while_away, timeout=timedelta(seconds=120))
    assert effects("while away") == 5
