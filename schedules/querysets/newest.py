"""The newest few runs of each of many jobs or states, in one statement that reads only those.

Written out: the ORM cannot take the union of limited queries on SQLite, and a window function would
read the whole log.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

_SECONDS = {
    "sqlite": "(julianday(finished_at) - julianday(started_at)) * 86400.0",
    "postgresql": "EXTRACT(EPOCH FROM finished_at - started_at)::float8",
}


class Glimpse(NamedTuple):
    """As much of a run as a small drawing shows."""

    job_id: int
    state: str
    seconds: float | None
    """How long it took; None where it was never executed."""


def newest_of_jobs(
    job_ids: Sequence[int], *, until: datetime, number: int
) -> dict[int, list[Glimpse]]:
    """Return the newest runs of each job up to `until`, the oldest first. One statement."""
    if not job_ids:
        return {}
    # Only names of ours and whole numbers become text.
    part = (
        f"SELECT * FROM (SELECT job_id, state, {_SECONDS[connection.vendor]}"  # noqa: S608
        " FROM schedules_run WHERE job_id = %s AND scheduled_at <= %s"
        f" ORDER BY scheduled_at DESC LIMIT {int(number)}) AS few"
    )
    at = connection.ops.adapt_datetimefield_value(until)
    found: dict[int, list[Glimpse]] = {job_id: [] for job_id in job_ids}
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join([part] * len(job_ids)),
            [value for job_id in job_ids for value in (job_id, at)],
        )
        for row in cursor.fetchall():
            found[row[0]].append(Glimpse(*row))
    return {job_id: list(reversed(runs)) for job_id, runs in found.items()}


def jobs_last_seen_in(
    states: Sequence[str], *, since: datetime, until: datetime, number: int
) -> set[int]:
    """Return the jobs of the newest `number` runs in each of the states within the period."""
    part = (
        "SELECT * FROM (SELECT job_id FROM schedules_run"  # noqa: S608
        " WHERE state = %s AND scheduled_at >= %s AND scheduled_at <= %s"
        f" ORDER BY scheduled_at DESC, id DESC LIMIT {int(number)}) AS few"
    )
    begin = connection.ops.adapt_datetimefield_value(since)
    end = connection.ops.adapt_datetimefield_value(until)
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ".join([part] * len(states)),
            [value for state in states for value in (str(state), begin, end)],
        )
        return {job_id for (job_id,) in cursor.fetchall() if job_id is not None}
