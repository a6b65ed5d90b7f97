"""Our messages over Redis are kombu's, to the letter; elsewhere they are sent by kombu itself."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from celery import current_app, signals
from kombu import Connection, Queue

from project.devstack.broker import embedded_broker
from schedules.dispatch.envelope import Envelopes, send_all, takes
from schedules.dispatch.publish import _message, _send
from schedules.models import Run


@pytest.fixture(scope="module")
def broker_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Valkey of our own."""
    server = embedded_broker(tmp_path_factory.mktemp("valkey"))
    with subprocess.Popen(server.command, stdout=subprocess.DEVNULL) as process:
        with Connection(server.url) as connection:
            connection.ensure_connection(max_retries=10, interval_start=1)
        yield server.url
        process.terminate()


@pytest.fixture
def producer(broker_url: str) -> Iterator[Any]:
    with Connection(broker_url) as connection:
        channel: Any = connection.default_channel
        channel.client.flushall()
        yield current_app.amqp.Producer(connection, auto_declare=False)


def queued(producer: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the messages of each list, the oldest first, without their random tags."""
    client = producer.channel.client
    found = {}
    for key in client.scan_iter():
        if client.type(key) == b"list":
            texts = [text.decode() for text in reversed(client.lrange(key, 0, -1))]
            found[key.decode()] = [_without_tag(text) for text in texts]
    client.flushall()
    return found


def _without_tag(text: str) -> Any:
    tag = json.loads(text)["properties"]["delivery_tag"]
    assert len(tag) == 36
    return text.replace(tag, "TAG")


RUNS = [
    Run(task="sample_jobs.add", args=[1, 'é\u202e"\\'], kwargs={"y": None}),
    Run(task="sample_jobs.add", args=[2], kwargs={}),
    Run(task="sample_jobs.add", priority=3, retries=2),
    Run(task="sample_jobs.add", queue="urgent", options={"time_limit": 5, "soft_time_limit": 3.5}),
    Run(
        task="sample_jobs.unknown",
        args=["x" * 500],
        options={
            "root_id": "3c8d0ad1-4b3c-4f1b-8a39-c6a9d6f4f0a1",
            "parent_id": "5a0f3b9e-64b1-4c83-9d21-6b7a2f1f0c55",
        },
    ),
]


def test_each_message_is_to_the_letter_what_kombu_writes(producer: Any) -> None:
    for run in RUNS:
        task, kind, values = _message(run)
        _send(task, **kind, **values, producer=producer)
    by_kombu = queued(producer)

    send_all(producer, _send, [_message(run) for run in RUNS])
    learning = queued(producer)
    send_all(producer, _send, [_message(run) for run in RUNS])

    assert sum(map(len, by_kombu.values())) == len(RUNS)
    assert learning == by_kombu
    assert queued(producer) == by_kombu


def test_a_message_to_an_exchange_is_routed_by_kombu(producer: Any) -> None:
    queue = Queue("bound", exchange="ours", routing_key="here")(producer.channel)
    queue.declare()
    run = Run(task="sample_jobs.add", options={"exchange": "ours", "routing_key": "here"})

    send_all(producer, _send, [_message(run)])

    message = queue.get()
    assert message is not None
    assert message.headers["task"] == "sample_jobs.add"


def test_kombu_is_asked_once_for_each_kind(producer: Any) -> None:
    asked = []

    def send(task: str, **options: Any) -> None:
        asked.append(task)
        _send(task, **options)

    envelopes = Envelopes(producer, send)
    for number in range(700):
        task, kind, values = _message(Run(task="sample_jobs.often", args=[number]))
        envelopes.add(task, kind=kind, values=values)
    envelopes.flush()

    assert asked == ["sample_jobs.often"]
    [messages] = queued(producer).values()
    assert len(messages) == 700


def test_who_listens_to_each_publication_still_hears_of_it(producer: Any) -> None:
    heard = []

    def listen(sender: str, **_: Any) -> None:
        heard.append(sender)

    signals.before_task_publish.connect(listen)
    try:
        assert not takes(producer)
        send_all(producer, _send, [_message(run) for run in RUNS[:2]])
    finally:
        signals.before_task_publish.disconnect(listen)

    assert heard == ["sample_jobs.add"] * 2
    assert takes(producer)


def test_whoever_listens_to_the_message_sent_hears_of_each_and_kombu_writes_them_all(
    producer: Any,
) -> None:
    runs = [run for run in RUNS for _ in range(3)]
    for run in runs:
        task, kind, values = _message(run)
        _send(task, **kind, **values, producer=producer)
    one_by_one = queued(producer)
    heard: list[tuple[str, Any]] = []

    def listen(sender: str, headers: dict[str, Any], body: Any, **_: Any) -> None:
        heard.append((headers["id"], body[:2]))

    signals.after_task_publish.connect(listen)
    try:
        send_all(producer, _send, [_message(run) for run in runs])
    finally:
        signals.after_task_publish.disconnect(listen)

    assert queued(producer) == one_by_one
    assert heard == [(str(run.task_id), ((), {})) for run in runs]


def test_what_is_given_to_each_message_before_it_is_sent_stays_its_own(producer: Any) -> None:
    def give(headers: dict[str, Any], **_: Any) -> None:
        headers["own"] = headers.get("own", "") + headers["id"]

    signals.before_task_publish.connect(give)
    try:
        send_all(producer, _send, [_message(run) for run in RUNS[:2]])
    finally:
        signals.before_task_publish.disconnect(give)

    [texts] = queued(producer).values()
    headers = [json.loads(str(text))["headers"] for text in texts]
    assert [header["own"] for header in headers] == [str(run.task_id) for run in RUNS[:2]]


def test_another_transport_gets_messages_by_kombus_own_way() -> None:
    with Connection("memory://") as connection:
        producer = current_app.amqp.Producer(connection, auto_declare=False)

        send_all(producer, _send, [_message(run) for run in RUNS[:2]])

        queue = connection.SimpleQueue("celery")
        headers = [queue.get_nowait().headers for _ in range(2)]
        assert [header["id"] for header in headers] == [str(run.task_id) for run in RUNS[:2]]
