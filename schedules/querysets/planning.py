"""The statements of planning: new runs of timetables in one, calls in another, a single call in one
of its own, and where the jobs go on.

Written out because a burst passes through them: what a run copies from its job the database copies
itself, what is the same for all of them travels once, and only what differs travels as a column of
values. The ORM's bulk operations send every column of every row and take ten times the processor
time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper

from schedules.querysets.clock import database_now, sql_now
from schedules.querysets.given import as_json, given
from schedules.querysets.statements import prepared_cursor
from schedules.states import RunState

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


class When(NamedTuple):
    """When a call is due, and until when it may start, as its caller said it: by an instant or by
    how long from now.
    """

    at: datetime | None = None
    delay: timedelta = timedelta(0)
    expires_at: datetime | None = None
    expires_in: timedelta | None = None

    def due_at(self, now: datetime) -> datetime:
        """Return when it is due, never before `now`."""
        return now + self.delay if self.at is None else max(self.at, now)

    def ends_at(self, now: datetime) -> datetime | None:
        """Return until when it may start, if there is an end."""
        return self.expires_at if self.expires_in is None else now + self.expires_in


@dataclass(slots=True, eq=False, kw_only=True)
class PlannedCall:
    """A single call from its planning to its message; its instants are the row's alone, where the
    database has reckoned them.
    """

    task_id: UUID
    task: str
    args: list[Any]
    kwargs: dict[str, Any]
    options: dict[str, Any]
    retries: int
    priority: int
    queue: str
    parent_id: UUID | None
    scheduled_at: datetime | None = None
    due_at: datetime | None = None
    expires_at: datetime | None = None
    publish_at: datetime | None = None
    state: str = RunState.PLANNED
    sends: int = 0
    job_id: ClassVar[None] = None
    job_key: ClassVar[str] = ""
    natural_key: ClassVar[None] = None


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

_NEW = {
    "attempt": "0",
    "error": "''",
    "summary": "''",
    "log": "''",
    "suspect_reason": "''",
    "requested_by": "''",
}
"""What every run begins with."""

_OF_TIMETABLE = {**_NEW, "origin": "'timetable'", "retries": "0", "job_key": "job.key"}

_CALL_COLUMNS = {
    "task_id": "uuid",
    "job_id": "bigint",
    "job_key": "text",
    "natural_key": "text",
    "task": "text",
    "args": "jsonb",
    "kwargs": "jsonb",
    "options": "jsonb",
    "scheduled_at": "timestamptz",
    "due_at": "timestamptz",
    "expires_at": "timestamptz",
    "publish_at": "timestamptz",
    "retries": "smallint",
    "priority": "smallint",
    "queue": "text",
    "state": "text",
    "sends": "smallint",
    "parent_id": "uuid",
}
"""What a call brings along; the other columns are those of a run that waits for its first try."""

_OF_CALL = {**_NEW, "origin": "'call'", "count": "1", "reason": "''"}

_OF_SINGLE_CALL = {**_OF_CALL, "job_key": "''"}

_GIVEN_OF_SINGLE_CALL = (
    "task_id",
    "task",
    "args",
    "kwargs",
    "options",
    "retries",
    "priority",
    "queue",
    "parent_id",
)

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
    ({", ".join((*_RUN_COLUMNS, *_COPIED, *_OF_TIMETABLE))}, created_at)
SELECT {", ".join(f"given.{name}" for name in _RUN_COLUMNS)},
    {", ".join(f"job.{name}" for name in _COPIED)},
    {", ".join(_OF_TIMETABLE.values())}, {{now}}
FROM {{rows}} JOIN schedules_job AS job ON job.id = given.job_id
WHERE TRUE
ON CONFLICT DO NOTHING
"""  # noqa: S608

_WRITE_CALLS = f"""
INSERT INTO schedules_run ({", ".join((*_CALL_COLUMNS, *_OF_CALL))}, created_at)
SELECT {", ".join(_CALL_COLUMNS)}, {", ".join(_OF_CALL.values())}, {{now}}
FROM {{rows}} WHERE TRUE
"""  # noqa: S608

# The clock is read where the row is written: to ask for it before takes as long as to write.
_WRITE_SINGLE_CALL = f"""
WITH clock AS MATERIALIZED (SELECT clock_timestamp() AS now),
moment AS (SELECT now, GREATEST(%s::timestamptz, now + %s::interval) AS due_at FROM clock)
INSERT INTO schedules_run ({", ".join((*_GIVEN_OF_SINGLE_CALL, *_OF_SINGLE_CALL))},
    created_at, scheduled_at, due_at, expires_at, publish_at, sends, state)
SELECT {", ".join(f"%s::{_CALL_COLUMNS[name]}" for name in _GIVEN_OF_SINGLE_CALL)},
    {", ".join(_OF_SINGLE_CALL.values())},
    now, due_at, due_at, COALESCE(%s::timestamptz, now + %s::interval),
    CASE WHEN due_at <= now THEN now + %s::interval ELSE due_at END,
    CASE WHEN due_at <= now THEN 1 ELSE 0 END,
    CASE WHEN due_at <= now THEN 'sent' ELSE 'planned' END
FROM moment
ON CONFLICT DO NOTHING
RETURNING sends = 1
"""  # noqa: S608

_MOVE_ON = f"""
UPDATE schedules_job SET {", ".join(f"{name} = given.{name}" for name in list(_JOB_COLUMNS)[1:])}
FROM {{rows}} WHERE schedules_job.id = given.id
"""  # noqa: S608


def write_runs(connection: BaseDatabaseWrapper, runs: "Sequence[PlannedRun | Run]") -> None:
    """Insert runs of a timetable, except those whose occurrence has its run already."""
    if not runs:
        return
    now, at = sql_now(connection.vendor)
    rows, values = given(connection.vendor, _RUN_COLUMNS, runs)
    with connection.cursor() as cursor:
        cursor.execute(_WRITE_RUNS.format(now=now, rows=rows), [*at, *values])


def write_calls(
    connection: BaseDatabaseWrapper,
    runs: "Sequence[Run | PlannedCall]",
    *,
    ignore_conflicts: bool = False,
) -> int:
    """Insert the runs of calls, with `ignore_conflicts` those that are not there already; return
    how many. Their objects do not learn their numbers. Raises IntegrityError.
    """
    if not runs:
        return 0
    now, at = sql_now(connection.vendor)
    rows, values = given(connection.vendor, _CALL_COLUMNS, runs)
    sql = _WRITE_CALLS.format(now=now, rows=rows)
    # Planning the statement for a few takes longer than executing it.
    with prepared_cursor(connection) as cursor:
        cursor.execute(f"{sql} ON CONFLICT DO NOTHING" if ignore_conflicts else sql, [*at, *values])
        return int(cursor.rowcount)


def write_single_call(
    connection: BaseDatabaseWrapper, call: PlannedCall, when: When, *, again_after: timedelta
) -> bool:
    """Insert the run of a call, unless its id has one already; return whether it is due.

    Then its caller sends it, and the outbox looks at it `again_after`; else the outbox sends it.
    """
    if connection.vendor != "sqlite":
        values: list[Any] = [when.at, when.delay, call.task_id, call.task]
        values += map(as_json, (call.args, call.kwargs, call.options))
        values += [call.retries, call.priority, call.queue, call.parent_id]
        values += [when.expires_at, when.expires_in, again_after]
        with prepared_cursor(connection) as cursor:
            cursor.execute(_WRITE_SINGLE_CALL, values)
            written = cursor.fetchone()
        if written is not None:
            return bool(written[0])
    now = database_now(connection.alias)
    call.scheduled_at = call.due_at = due_at = when.due_at(now)
    call.expires_at = when.ends_at(now)
    is_due = due_at <= now
    call.publish_at = now + again_after if is_due else due_at
    if is_due:
        call.state, call.sends = RunState.SENT, 1
    write_calls(connection, [call], ignore_conflicts=True)
    return is_due


def move_on(connection: BaseDatabaseWrapper, jobs: "Sequence[Job]") -> None:
    """Write where the timetables of the jobs go on, and by which version and zone data."""
    if not jobs:
        return
    rows, values = given(connection.vendor, _JOB_COLUMNS, jobs)
    with connection.cursor() as cursor:
        cursor.execute(_MOVE_ON.format(rows=rows), values)
