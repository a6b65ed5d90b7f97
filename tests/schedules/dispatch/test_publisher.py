"""The publisher's room."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from django.db import connection

from schedules.dispatch.publish import publish
from schedules.dispatch.publisher import MOST_HELD, WATCH_MESSAGES, Publisher
from schedules.models import Run
from tests.broker import running_broker, speaking_to

pytestmark = pytest.mark.django_db


def test_room_that_was_waited_for_in_vain_is_not_waited_for_again_until_there_is_some(
    make_run: Callable[..., Run], caplog: pytest.LogCaptureFixture
) -> None:
    publisher = Publisher()
    publisher.hand_over([make_run()] * (MOST_HELD + 1))
    assert not publisher.has_room(0.01)
    begun = time.monotonic()

    assert not publisher.has_room(60)
    assert time.monotonic() - begun < 10
    assert len(caplog.messages) == 1  # and it is said once

    publisher._waiting.clear()
    assert publisher.has_room(60)


def test_the_one_writer_of_sqlite_plans_only_when_all_is_out(make_run: Callable[..., Run]) -> None:
    publisher = Publisher()

    publisher.hand_over([make_run()])

    assert publisher.has_room(0.01) == (connection.vendor != "sqlite")


def test_a_burst_is_seen_in_the_broker_before_the_next_look_is_due(
    make_run: Callable[..., Run], tmp_path: Path
) -> None:
    with running_broker(tmp_path):
        publisher = Publisher()
        publisher._look_at_broker()
        publish([make_run() for _ in range(20)])
        publisher._look_at_broker()
        assert publisher.backlog is not None
        assert publisher.backlog.is_empty

        publisher._unwatched = WATCH_MESSAGES
        publisher._look_at_broker()

        assert sum((publisher.backlog.waiting or {}).values()) == 20


def test_the_first_message_finds_its_connection_open(
    make_run: Callable[..., Run], tmp_path: Path
) -> None:
    with running_broker(tmp_path) as url, redis.Redis.from_url(url) as asking:
        Publisher()._make_ready()
        before = asking.info("stats")["total_connections_received"]

        assert publish([make_run()]) == 1

        assert asking.info("stats")["total_connections_received"] == before


def test_a_broker_that_is_away_keeps_no_publisher_from_its_work() -> None:
    with speaking_to("redis://127.0.0.1:1/0"):
        Publisher()._make_ready()
