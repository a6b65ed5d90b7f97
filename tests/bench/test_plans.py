"""What Beat asks again and again is answered by an index, on both databases."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from bench.plans import QUERIES, plan_of, plans_of_beat, plans_of_page
from schedules.querysets.clock import database_now

pytestmark = pytest.mark.django_db

INDEXES = ("job_due", "run_outbox", "run_expiring", "job_due", "run_outbox")


@pytest.fixture(autouse=True)
def _as_on_large_tables(db: Any) -> None:
    """Small tables are read as a whole, whatever index there is."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")


@pytest.mark.parametrize(("name", "index"), list(zip(QUERIES, INDEXES, strict=True)))
def test_beat_finds_its_work_by_an_index(name: str, index: str) -> None:
    plan = plan_of(name, now=database_now())

    assert index in plan
    assert "Seq Scan" not in plan


def test_all_plans_are_told() -> None:
    told = plans_of_beat(now=database_now())

    assert all(name in told for name in QUERIES)


def test_the_plans_behind_a_page_are_told() -> None:
    told = plans_of_page(Client(headers={"Authorization": "Bearer none"}), "/api/v1/scheduler/jobs")

    assert told.startswith("/api/v1/scheduler/jobs\n  SELECT")
    assert "schedules_token" in told
