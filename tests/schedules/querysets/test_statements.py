"""The statements that every run passes through are planned once, and read as the ORM reads."""

from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from schedules.models import Run
from schedules.querysets.statements import column_names, prepared_cursor, read_row

pytestmark = pytest.mark.django_db


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite keeps statements by itself")
def test_postgresql_plans_a_claim_once_for_each_connection(make_run: Callable[..., Run]) -> None:
    me = uuid4()

    for run in [make_run() for _ in range(4)]:
        assert Run.objects.claim(run.task_id, task=run.task, instance_id=me, pid=1)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans + custom_plans FROM pg_prepared_statements"
            " WHERE statement LIKE '%%UPDATE schedules_run AS mine%%'"
        )
        [(executed,)] = cursor.fetchall()
    assert executed >= 3


def test_a_statement_is_logged_however_often_it_was_sent(make_run: Callable[..., Run]) -> None:
    for run in [make_run() for _ in range(4)]:
        with CaptureQueriesContext(connection) as captured:
            Run.objects.claim(run.task_id, task=run.task, instance_id=uuid4(), pid=1)

        assert ["UPDATE schedules_run" in query["sql"] for query in captured] == [True]


def test_a_row_is_read_as_the_orm_reads_it(make_run: Callable[..., Run], now: datetime) -> None:
    run = make_run("sample_jobs.add", 1, "é", expires_at=now, kwargs={"at": now})

    with prepared_cursor(connection) as cursor:
        names = ", ".join(column_names(Run))
        cursor.execute(f"SELECT {names} FROM schedules_run WHERE id = %s", [run.pk])  # noqa: S608
        read = read_row(Run, cursor.fetchone(), using="default")

    expected = Run.objects.get(pk=run.pk)
    assert {name: getattr(read, name) for name in _fields()} == {
        name: getattr(expected, name) for name in _fields()
    }


def _fields() -> list[str]:
    return [field.attname for field in Run._meta.concrete_fields]
