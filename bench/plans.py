"""The queries whose cost decides how Downbeat grows, and how the database executes them."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from schedules.conf import options
from schedules.models import Job, Run

Query = Callable[[datetime], "models.QuerySet[Any]"]

QUERIES: dict[str, Query] = {
    "the planner: which jobs are due": lambda now: Job.objects.due(now)[: options().plan_batch],
    "the outbox: which runs to send": lambda now: Run.objects.ready_to_send(now)[
        : options().plan_batch
    ],
    "repair: which runs came too late": lambda now: Run.objects.expired(now).order_by("expires_at")[
        : options().plan_batch
    ],
    "Beat's sleep: which job is due next": lambda _: Job.objects.filter(
        next_due_at__isnull=False
    ).order_by("next_due_at")[:1],
    "Beat's sleep: which run is to be sent next": lambda _: Run.objects.waiting().order_by(
        "publish_at"
    )[:1],
}
"""What a Beat asks again and again, by what it is for."""


def plan_of(name: str, *, now: datetime) -> str:
    """Return how the database executes one of `QUERIES`; PostgreSQL executes it to tell."""
    query = QUERIES[name](now)
    if connection.vendor == "postgresql":
        return query.explain(analyze=True)
    return query.explain()


def plans_of_beat(*, now: datetime) -> str:
    """Return the plans of all `QUERIES`, for a person."""
    return "\n".join(f"{name}\n{_indented(plan_of(name, now=now))}" for name in QUERIES)


def plans_of_page(client: Any, address: str) -> str:
    """Ask for a page and return the plan of each SELECT behind it, for a person."""
    with CaptureQueriesContext(connection) as asked:
        client.get(address)
    pieces = [address]
    for query in asked.captured_queries:
        sql = str(query["sql"])
        if sql.startswith("SELECT"):
            pieces += [f"  {sql[:150]}", _indented(_explained(sql))]
    return "\n".join(pieces)


def _explained(sql: str) -> str:
    prefix = "EXPLAIN ANALYZE" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        cursor.execute(f"{prefix} {sql}".replace("%", "%%"), [])
        return "\n".join(
            " ".join(part if isinstance(part, str) else json.dumps(part) for part in row)
            for row in cursor.fetchall()
        )


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
