"""A thread of Beat's keeps its connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.db.backends.signals import connection_created

from schedules.querysets import keeping
from schedules.querysets.clock import database_now
from schedules.querysets.keeping import keep_connection
from tests.sql import run_sql

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def counted() -> Iterator[list[Any]]:
    opened: list[Any] = []

    def note(connection: Any, **_: Any) -> None:
        opened.append(connection)

    connection_created.connect(note)
    try:
        yield opened
    finally:
        connection_created.disconnect(note)


def test_it_is_opened_once_for_many_ticks() -> None:
    connection.close()

    with counted() as opened:
        for _ in range(5):
            keep_connection()
            run_sql("SELECT 1")

    assert len(opened) == 1


@pytest.mark.skipif(connection.vendor != "sqlite", reason="has no file")
def test_a_file_that_is_another_by_now_is_opened_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    run_sql("SELECT 1")
    keep_connection()
    monkeypatch.setattr(keeping, "_file_at", lambda _: (0, 0))

    keep_connection()

    assert connection.connection is None


def test_one_that_is_old_is_opened_anew() -> None:
    run_sql("SELECT 1")
    keep_connection()
    connection.close_at = 0.0

    keep_connection()

    assert connection.connection is None
    assert database_now()
