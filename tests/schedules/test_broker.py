"""Questions to the broker over a connection that is kept."""

import logging
from pathlib import Path

import pytest
import redis
from celery import current_app

from schedules import broker
from tests.broker import running_broker


def test_a_broker_is_asked_over_a_connection_that_is_kept_and_found_again_after_it_was_away(
    tmp_path: Path,
) -> None:
    inquiry = broker.Inquiry(current_app)
    with running_broker(tmp_path / "first") as url, redis.Redis.from_url(url) as server:
        assert inquiry.has_lost_its_memory()  # it never had our mark
        server.lpush("celery", "one", "two")
        assert inquiry.backlog().waiting == {"celery": 2}
        before = server.info("stats")["total_connections_received"]

        answers = [(inquiry.backlog(), inquiry.has_lost_its_memory()) for _ in range(3)]

        assert answers == [(broker.Backlog({"celery": 2}), False)] * 3
        assert server.info("stats")["total_connections_received"] == before
        server.flushall()
        assert inquiry.has_lost_its_memory()
    with pytest.raises(broker.AWAY):
        inquiry.backlog()
    with running_broker(tmp_path / "second"):
        assert inquiry.backlog().is_empty
    with pytest.raises(broker.AWAY):
        inquiry.backlog()


def test_beat_says_once_that_its_remote_control_has_no_broker_and_again_after_it_had_one() -> None:
    away, back = (
        logging.LogRecord("celery.beat", logging.ERROR, "", 0, f"beat pidbox: {words}", None, None)
        for words in ("Connection error: %s. Trying again in %s seconds...", "Connected to %s.")
    )
    once = broker.SaidOnce()

    said = [once.filter(record) for record in (away, away, away, back, away, away)]

    assert said == [True, False, False, True, True, False]
