"""Beat and worker wait for what is not there yet, say so once, and start by themselves."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from tests.stack import stack_jobs as jobs
from tests.stack.facts import value_of
from tests.stack.servers import MakeServer
from tests.stack.system import System

pytestmark = [pytest.mark.stack, pytest.mark.smoke]

WAITS = "The database is away or not migrated; waiting for it"


def test_beat_and_worker_wait_for_the_database_and_the_broker(
    tmp_path: Path,
    make_database: Callable[[], str | None],
    make_server: MakeServer,
    django_db_blocker: DjangoDbBlocker,
) -> None:
    server = make_server(tmp_path / "broker")
    fresh = System(tmp_path / "data", database_url=make_database(), server=server)
    try:
        beat, worker = fresh.start_beat(), fresh.start_worker(concurrency=1)
        beat.assert_log_exists(WAITS, timeout=60)
        worker.assert_log_exists(f"Cannot connect to {server.url.partition(':')[0]}", timeout=60)

        fresh.prepare()
        fresh.start_broker()

        assert worker.ready()
        with django_db_blocker.unblock(), fresh.as_client():
            late = jobs.add.apply_async((1, 1), countdown=1)
            assert value_of(late, timeout=timedelta(seconds=60)) == 2
        assert beat.logs().count(WAITS) == 1
        assert beat.logs().count("The database is back.") == 1
        assert beat.logs().count("beat pidbox: Connection error") == 1
    finally:
        fresh.stop()
