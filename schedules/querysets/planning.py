"""The statements of planning: new runs in one, where their jobs go on in another, and which of
them the broker was told about in a third.

Written out because a burst passes through them: what a run copies from its job the database copies
itself, what is the same for all of them travels once, and only what differs travels as a column of
values. The ORM's bulk operations send every column of every row and take ten times the processor
time.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper

from schedules.querysets.clock import sql_now
from schedules.states import UNSENT

if TYPE_CHECKING:
    from schedules.models import Job, Run


@dataclass(slots=True, eq=False, kw_only=True)
class PlannedRun:
    """A run of a timetable from its planning to its message: what is written and sent of it.

    A row of the table in all that it has; making one as the ORM's object took a third of all the
    time of planning.
    """

    job: "Job"
    task_id: UUID
    scheduled_at: datetime
    until: datetime | None
    count: int
    due_at: datetime
    expires_at: datetime | None
    publish_at: datetime | None
    state: str
    reason: str
    sends: int
    finished_at: datetime | None
    instance_id: UUID
    options: dict[str, Any]
    retries: ClassVar[int] = 0

    @property
    def job_id(self) -> int:
        """The number of its job."""
        return self.job.pk

    @property
    def job_key(self) -> str:
        """The key of its job."""
        return self.job.key

    @property
    def task(self) -> str:
        """The Celery name; this and the following are its job's, in the row too."""
        return self.job.task

    @property
    def args(self) -> list[Any]:
        """Positional arguments."""
        args: list[Any] = self.job.args
        return args

    @property
    def kwargs(self) -> dict[str, Any]:
        """Arguments by name."""
        kwargs: dict[str, Any] = self.job.kwargs
        return kwargs

    @property
    def priority(self) -> int:
        """Higher first."""
        return self.job.priority

    @property
    def queue(self) -> str:
        """Where to; empty for wherever the task goes."""
        return self.job.queue


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


_MARK_SENT = f"""
UPDATE schedules_run SET state = 'sent', sent_at = {{now}}
WHERE task_id {{among}} AND state IN ({", ".join(f"'{state}'" for state in sorted(UNSENT))})
"""  # noqa: S608


def write_runs(connection: BaseDatabaseWrapper, runs: "Sequence[PlannedRun | Run]") -> None:
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


def mark_sent(connection: BaseDatabaseWrapper, task_ids: Sequence[UUID]) -> int:
    """Note that the broker has been told of these runs; return of how many it is news."""
    now, at = sql_now(connection.vendor)
    ids: Any = list(task_ids)
    among = "= ANY(%s::uuid[])"
    if connection.vendor == "sqlite":
        among, ids = "IN (SELECT value FROM json_each(%s))", json.dumps([i.hex for i in task_ids])
    with connection.cursor() as cursor:
        cursor.execute(_MARK_SENT.format(now=now, among=among), [*at, ids])
        return int(cursor.rowcount)


def _table(
    vendor: str, columns: dict[str, str], objects: Sequence[object]
) -> tuple[str, list[Any]]:
    """Return the objects' columns as a table `given` for a FROM clause, and its parameters."""
    [_, *others] = columns  # the first one is a number that tells the rows apart
    values = dict(zip(columns, zip(*map(attrgetter(*columns), objects), strict=True), strict=True))
    # Occurrences of one instant have most in common; what they have travels once.
    shared = {name: values[name][0] for name in others if _is_shared(values[name])}
    differing = {name: values[name] for name in columns if name not in shared}
    build = _sqlite_table if vendor == "sqlite" else _postgres_table
    return build(columns, shared, differing)


def _is_shared(column: Sequence[object]) -> bool:
    return column.count(column[0]) == len(column)


def _postgres_table(
    columns: dict[str, str], shared: Mapping[str, Any], differing: Mapping[str, Sequence[Any]]
) -> tuple[str, list[Any]]:
    constants = "".join(f", %s::{columns[name]} AS {name}" for name in shared)
    # In a subselect their length is unknown to PostgreSQL, which would otherwise read all of the
    # jobs for five hundred of them rather than go by their numbers.
    arrays = ", ".join(f"(SELECT %s::{columns[name]}[])" for name in differing)
    table = f"(SELECT *{constants} FROM unnest({arrays}) AS each ({', '.join(differing)})) AS given"  # noqa: S608
    lists = [[_on_postgres(value) for value in column] for column in differing.values()]
    return table, [*map(_on_postgres, shared.values()), *lists]


def _sqlite_table(
    _: dict[str, str], shared: Mapping[str, Any], differing: Mapping[str, Sequence[Any]]
) -> tuple[str, list[Any]]:
    names = [f"value ->> {place} AS {name}" for place, name in enumerate(differing)]
    names += [f"%s AS {name}" for name in shared]
    rows = [[_on_sqlite(value) for value in row] for row in zip(*differing.values(), strict=True)]
    table = f"(SELECT {', '.join(names)} FROM json_each(%s)) AS given"  # noqa: S608
    return table, [*map(_on_sqlite, shared.values()), json.dumps(rows)]


_AS_DJANGO_STORES: dict[type, Callable[[Any], Any]] = {
    datetime: lambda value: str(value.astimezone(UTC).replace(tzinfo=None)),
    UUID: lambda value: value.hex,
    dict: json.dumps,
}
"""On SQLite, so that equal values are equal texts."""


def _on_sqlite(value: Any) -> Any:
    store = _AS_DJANGO_STORES.get(type(value))
    return value if store is None else store(value)


def _on_postgres(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value
