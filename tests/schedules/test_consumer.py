"""What a malformed message does to a worker: nothing."""

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from celery import current_app
from celery.exceptions import InvalidTaskError
from kombu import Connection

from schedules.consumer import (
    LONGEST_PAUSE,
    Consumer,
    SaidOnce,
    Strategies,
    listen_briefly,
    stock,
    tolerant,
)
from tests.broker import running_broker


@pytest.mark.parametrize("error", [ValueError, TypeError, KeyError, AttributeError])
def test_what_a_malformed_message_breaks_is_a_rejected_message(error: type[Exception]) -> None:
    def strategy(*_: Any) -> None:
        raise error("not enough values to unpack")

    with pytest.raises(InvalidTaskError, match="not enough values"):
        tolerant(strategy)(SimpleNamespace(headers={}))


def test_time_limits_that_are_none_are_rejected_before_the_pool_sees_them() -> None:
    message = SimpleNamespace(headers={"timelimit": "zz"})

    with pytest.raises(InvalidTaskError, match="timelimit is 'z'"):
        tolerant(lambda *_: None)(message)


def test_a_task_whose_name_is_no_name_is_unknown() -> None:
    with pytest.raises(KeyError):
        Strategies({"a": print})[["a"]]


def test_a_broker_that_cannot_be_reached_is_told_of_once_and_again_after_a_loss() -> None:
    line = logging.LogRecord("celery", logging.ERROR, "", 0, stock.CONNECTION_ERROR, ("x",), None)
    loss = logging.LogRecord(
        "celery", logging.WARNING, "", 0, "%s (%r)", (stock.CONNECTION_RETRY, OSError()), None
    )
    once = SaidOnce()

    said = [once.filter(record) for record in (line, line, line, loss, line, line)]

    assert said == [True, False, False, True, True, False]


def test_a_broadcast_that_does_not_come_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedules.consumer.LISTENS_FOR", 0.01)
    with running_broker(tmp_path) as url, redis.Redis.from_url(url, socket_timeout=10) as client:
        subscriptions = client.pubsub()
        listen_briefly(subscriptions)
        subscriptions.psubscribe("/0.celery.pidbox")
        assert subscriptions.parse_response(timeout=5) is not None

        assert subscriptions.parse_response() is None
        assert subscriptions.connection is not None
        subscriptions.connection.disconnect()
        assert subscriptions.parse_response(timeout=5)[0] == b"psubscribe", "it is heard again"


def test_a_broker_that_was_away_for_long_is_found_within_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries = 0

    def connect(connection: Connection) -> None:
        nonlocal tries
        tries += 1
        if tries < 9:
            raise ConnectionRefusedError

    slept: list[float] = []
    monkeypatch.setattr("kombu.utils.functional.sleep", slept.append)
    monkeypatch.setattr(Connection, "_establish_connection", connect)
    consumer: Any = Consumer.__new__(Consumer)
    consumer.app = current_app
    consumer.first_connection_attempt = True
    consumer.broker_connection_retry_attempt = 0
    consumer.controller = SimpleNamespace()

    consumer.ensure_connected(Connection("redis://localhost:1"))

    assert tries == 9
    assert sum(slept) < 2 + 4 + 6 * LONGEST_PAUSE + 1
