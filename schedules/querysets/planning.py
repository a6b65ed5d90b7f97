"""The statements of planning: new runs in one, and where their jobs go on in another.

Written out because a burst passes through them: what a run copies from its job the database copies
itself, and only what differs from run to run travels, as columns of values. The ORM's bulk
operations send every column of every row and take ten times the processor time.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper

from schedules.querysets.clock import sql_now

if TYPE_CHECKING:
    from schedules.models import Job, Run

_RUN_COLUMNS = {
    "job_id": "bigint",
    "task_id": "uuid",
    "scheduled_at": "timestamptz",
    "until": "timestamptz",
    "count": "integer",
    "due_at": "timestamptz",
    "expires_at": "timestamptz",
    "publish_at": "timestamptz",
    "state": "text",
    "reason": "text",
    "sends": "smallint",
    "finished_at": "timestamptz",
    "instance_id": "uuid",
    "options": "jsonb",
}
"""What differs between the runs of one planning, with PostgreSQL's types."""

_COPIED = ("task", "args", "kwargs", "priority", "queue")
"""What a run takes from its job, under the same name."""

_CONSTANT = {
    "origin": "'timetable'",
    "attempt": "0",
    "retries": "0",
    "error": "''",
    "summary": "''",
    "log": "''",
    "suspect_reason": "''",
    "requested_by": "''",
    "job_key": "job.key",
}

_JOB_COLUMNS = {
    "id": "bigint",
    "next_run_at": "timestamptz",
    "next_due_at": "timestamptz",
    "tzdata_version": "text",
    "version": "integer",
}

# Everything that is put together here is a constant of ours; values travel as parameters.
_WRITE_RUNS = f"""
INSERT INTO schedules_run
    ({", ".join((*_RUN_COLUMNS, *_COPIED, *_CONSTANT))}, created_at)
SELECT {", ".join(f"given.{name}" for name in _RUN_COLUMNS)},
    {", ".join(f"job.{name}" for name in _COPIED)},
    {", ".join(_CONSTANT.values())}, {{now}}
FROM {{rows}} JOIN schedules_job AS job ON job.id = given.job_id
WHERE TRUE
ON CONFLICT DO NOTHING
"""  # noqa: S608

_MOVE_ON = f"""
UPDATE schedules_job SET {", ".join(f"{name} = given.{name}" for name in list(_JOB_COLUMNS)[1:])}
FROM {{rows}} WHERE schedules_job.id = given.id
"""  # noqa: S608


def write_runs(connection: BaseDatabaseWrapper, runs: "Sequence[Run]") -> None:
    """Insert runs of a timetable, except those whose occurrence has its run already."""
    if not runs:
        return
    now, at = sql_now(connection.vendor)
    rows, values = _table(connection.vendor, _RUN_COLUMNS, runs)
    with connection.cursor() as cursor:
        cursor.execute(_WRITE_RUNS.format(now=now, rows=rows), [*at, *values])


def move_on(connection: BaseDatabaseWrapper, jobs: "Sequence[Job]") -> None:
    """Write where the timetables of the jobs go on, and by which version and zone data."""
    if not jobs:
        return
    rows, values = _table(connection.vendor, _JOB_COLUMNS, jobs)
    with connection.cursor() as cursor:
        cursor.execute(_MOVE_ON.format(rows=rows), values)


def _table(
    vendor: str, columns: dict[str, str], objects: Sequence[object]
) -> tuple[str, list[Any]]:
    """Return the objects' columns as a table `given` for a FROM clause, and its parameters."""
    if vendor == "sqlite":
        names = ", ".join(f"value ->> {i} AS {name}" for i, name in enumerate(columns))
        table = [[_as_sqlite(getattr(one, name)) for name in columns] for one in objects]
        return f"(SELECT {names} FROM json_each(%s)) AS given", [json.dumps(table)]  # noqa: S608
    arrays = ", ".join(f"%s::{kind}[]" for kind in columns.values())
    values: list[Any] = [[_as_postgres(getattr(one, name)) for one in objects] for name in columns]
    return f"unnest({arrays}) AS given ({', '.join(columns)})", values


def _as_sqlite(value: Any) -> Any:
    """Return the value as Django stores it there, so that equal ones are equal texts."""
    match value:
        case datetime():
            return str(value.astimezone(UTC).replace(tzinfo=None))
        case UUID():
            return value.hex
        case dict():
            return json.dumps(value)
        case _:
            return value


def _as_postgres(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value
