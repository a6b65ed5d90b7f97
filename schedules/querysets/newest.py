"""The newest few runs of each of many jobs or states, in one statement that reads only those.

Written out: the ORM cannot take the union of limited queries on SQLite, and a window function would
read the whole log.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import NamedTuple
from uuid import UUID

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


class Stretch(NamedTuple):
    """A run as a timeline shows it: instants are seconds after an origin."""

    job_id: int
    task_id: UUID
    state: str
    scheduled: float
    until: float | None
    """Of a row that stands for a range: its last occurrence."""
    started: float | None
    finished: float | None
    is_suspect: bool


_SINCE = {
    "sqlite": "(julianday({0}) - julianday(%s)) * 86400.0",
    "postgresql": "EXTRACT(EPOCH FROM {0} - %s)::float8",
}


def stretches_of_jobs(
    job_ids: Sequence[int], *, origin: datetime, since: datetime, until: datetime, number: int
) -> dict[int, list[Stretch]]:
    """Return the newest runs of each job within the period, the oldest first, with their instants
    in seconds after `origin`. One statement.
    """
    found: dict[int, list[Stretch]] = {job_id: [] for job_id in job_ids}
    if not job_ids or until < since:
        return found
    columns = ("scheduled_at", "until", "started_at", "finished_at")
    offsets = [_SINCE[connection.vendor].format(column) for column in columns]
    # Only names of ours and whole numbers become text.
    part = (
        f"SELECT * FROM (SELECT job_id, task_id, state, {', '.join(offsets)},"  # noqa: S608
        " suspect_reason <> '' FROM schedules_run"
        " WHERE job_id = %s AND scheduled_at >= %s AND scheduled_at <= %s"
        f" ORDER BY scheduled_at DESC, id DESC LIMIT {int(number)}) AS few"
    )
    begin = connection.ops.adapt_datetimefield_value(since)
    end = connection.ops.adapt_datetimefield_value(until)
    zero = connection.ops.adapt_datetimefield_value(origin)
    values = [[*[zero] * len(columns), job_id, begin, end] for job_id in job_ids]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([part] * len(job_ids)), list(chain(*values)))
        for job_id, task_id, *facts, suspect in cursor.fetchall():
            found[job_id].append(Stretch._make([job_id, UUID(str(task_id)), *facts, bool(suspect)]))
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
