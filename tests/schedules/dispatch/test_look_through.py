"""Beat looks through all rows, a part at a time, for next to nothing."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.db.models.sql.compiler import SQLCompiler
from django.test.utils import CaptureQueriesContext

from schedules.dispatch import BrokenRows
from schedules.models import Job, Run, Watermark
from schedules.querysets.clock import database_now
from tests.sql import run_sql

pytestmark = pytest.mark.django_db(transaction=True)

MakeJob = Callable[..., Job]
MakeRun = Callable[..., Run]

sqlite = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="PostgreSQL keeps such values out"
)


def look_through() -> Any:
    return import_module("schedules.dispatch.look_through")


def break_policy(job: Job) -> None:
    run_sql("UPDATE schedules_job SET overlap = 'no' WHERE id = %s", job.pk)


def test_a_look_that_finds_nothing_composes_no_statement_a_second_time(
    make_job: MakeJob, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_job()
    make_run()
    rows, now = BrokenRows(), database_now()
    for _ in range(4):  # each of the books once
        rows.look_on(now=now)
    composed = []
    as_sql = SQLCompiler.as_sql

    def count(self: Any, *args: Any, **fields: Any) -> Any:
        composed.append(self.query.model)
        return as_sql(self, *args, **fields)

    monkeypatch.setattr(SQLCompiler, "as_sql", count)

    assert rows.look_on(now=now) == 0

    assert composed == []


def test_a_look_goes_through_a_part_of_the_jobs_in_statements_of_a_few_each(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look_through(), "PART", 5)
    monkeypatch.setattr(look_through(), "AT_ONCE", 2)
    jobs = [make_job(f"job {number}") for number in range(7)]
    rows, now = BrokenRows(), database_now()

    with CaptureQueriesContext(connection) as statements:
        assert rows.look_on(now=now) == 0
    looks = [one["sql"] for one in statements if "schedules_job" in one["sql"]]
    assert len(looks) == 1 + (3 if connection.vendor == "sqlite" else 1)

    for job in (jobs[6], jobs[0]):  # the second part, and the first one again
        break_policy(job)
        assert rows.look_on(now=now) == 1
        job.refresh_from_db()
        assert "overlap is 'no': one of " in job.invalid_reason


@pytest.mark.parametrize("few", [0, 1000])
def test_open_runs_are_looked_through_in_turn_whether_few_or_many(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(look_through(), "PART", 2)
    monkeypatch.setattr(look_through(), "FEW", few)
    runs = [make_run() for _ in range(3)]
    make_run(state="succeeded", finished_at=database_now())
    nonsense = '{"at": {"__type__": "datetime", "__value__": "soon"}}'
    run_sql("UPDATE schedules_run SET kwargs = %s WHERE id = %s", nonsense, runs[2].pk)
    rows, now = BrokenRows(), database_now()

    assert [rows.look_on(now=now) for _ in range(3)] == [0, 1, 0]

    assert list(Run.objects.filter(state="failed")) == [runs[2]]


@sqlite
def test_runs_that_have_ended_are_not_read() -> None:
    with CaptureQueriesContext(connection) as statements:
        BrokenRows().look_on(now=database_now())

    for statement in statements:
        if "schedules_run" in statement["sql"]:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN QUERY PLAN {statement['sql']}")
                steps = [detail for *_, detail in cursor.fetchall() if "schedules_run" in detail]
            assert steps
            for step in steps:
                assert any(index in step for index in ("run_outbox", "running", "(state=?)"))


@sqlite
def test_each_book_has_its_turn(make_job: MakeJob) -> None:
    mark = Watermark.objects.create(name="mark", at=database_now())
    run_sql("UPDATE schedules_watermark SET at = 'soon' WHERE name = %s", mark.name)
    rows = BrokenRows()

    assert sum(rows.look_on(now=database_now()) for _ in range(4)) == 1

    mark.refresh_from_db()
    assert mark.at is not None
