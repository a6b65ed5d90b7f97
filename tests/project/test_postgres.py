"""The private PostgreSQL of tests and measurements."""

import os
from pathlib import Path

import psycopg
import pytest

from project.devstack.postgres import Postgres

pytestmark = pytest.mark.stack


def test_it_starts_answers_and_leaves_nothing_behind() -> None:
    with Postgres() as postgres:
        with psycopg.connect(postgres.create_database("fresh")) as connection:
            shown = connection.execute("SELECT current_database(), current_setting('TimeZone')")
            assert shown.fetchone() == ("fresh", "UTC")
        assert postgres.process is not None
        pid = postgres.process.pid

    assert not postgres.scratch.exists()
    assert not Path(f"/proc/{pid}").exists()


def test_it_does_not_run_as_root() -> None:
    with Postgres() as postgres:
        assert postgres.process is not None
        assert Path(f"/proc/{postgres.process.pid}").stat().st_uid != 0 or os.geteuid() != 0


def test_data_outlives_a_kill_when_it_is_durable() -> None:
    with Postgres(durable=True) as postgres:
        with psycopg.connect(postgres.url(), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")

        postgres.kill()
        postgres.start()

        with psycopg.connect(postgres.url()) as connection:
            assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
