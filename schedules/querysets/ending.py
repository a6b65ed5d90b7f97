"""The statements that end an attempt.

Written out because every run ends through them: the ORM's way of composing the same three costs
more processor time than executing them.
"""

from collections.abc import Mapping
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from schedules.querysets.clock import sql_now
from schedules.querysets.statements import prepared_cursor

_END_RUN = """
UPDATE schedules_run
SET state = %s, finished_at = {now}, publish_at = NULL, reason = %s, error = %s, summary = %s
WHERE id = %s AND attempt = %s AND state = 'running'
"""

_WRITE_ATTEMPT = """
INSERT INTO schedules_attempt
    (run_id, number, instance_id, pid, started_at, ended_at, outcome, error)
SELECT id, attempt, instance_id, pid, started_at, {now}, %s, %s FROM schedules_run WHERE id = %s
"""

_SEND_NEXT = """
UPDATE schedules_run SET publish_at = {now} WHERE id = (
    SELECT id FROM schedules_run
    WHERE job_id = %s AND state = 'planned' AND publish_at > {now} AND due_at <= {now}
    ORDER BY scheduled_at, id LIMIT 1
)
"""

RESULT_COLUMNS = (
    "task_id",
    "periodic_task_name",
    "task_name",
    "task_args",
    "task_kwargs",
    "status",
    "worker",
    "content_type",
    "content_encoding",
    "result",
    "traceback",
    "meta",
)
_WRITE_RESULT = f"""
INSERT INTO django_celery_results_taskresult ({", ".join(RESULT_COLUMNS)}, date_created, date_done)
VALUES ({", ".join(["%s"] * len(RESULT_COLUMNS))}, {{now}}, {{now}})
ON CONFLICT (task_id) DO UPDATE
SET {", ".join(f"{name} = excluded.{name}" for name in (*RESULT_COLUMNS[1:], "date_done"))}
WHERE excluded.status NOT IN ('RETRY', 'STARTED')
   OR django_celery_results_taskresult.status NOT IN ('SUCCESS', 'FAILURE', 'REVOKED')
"""  # noqa: S608 - put together from the names above


def end_run(
    connection: BaseDatabaseWrapper,
    *,
    run_id: int,
    attempt: int,
    state: str,
    reason: str,
    error: str,
    summary: str,
) -> bool:
    """Write the outcome if the attempt owns the run; False, and nothing written, if it does not."""
    now, at = sql_now(connection.vendor)
    values = [state, *at, reason, error, summary, run_id, attempt]
    return _execute(connection, _END_RUN.format(now=now), values) == 1


def write_attempt(
    connection: BaseDatabaseWrapper, *, run_id: int, outcome: str, error: str
) -> None:
    """Write down the try that the run has just ended, from what the run says of it."""
    now, at = sql_now(connection.vendor)
    _execute(connection, _WRITE_ATTEMPT.format(now=now), [*at, outcome, error, run_id])


def send_next(connection: BaseDatabaseWrapper, *, job_id: int) -> None:
    """Have the outbox send the run of the job that has waited longest for a slot, if one does."""
    now, at = sql_now(connection.vendor)
    _execute(connection, _SEND_NEXT.format(now=now), [*at, job_id, *at, *at])


def write_result(connection: BaseDatabaseWrapper, values: Mapping[str, Any]) -> None:
    """Write a task result, over whatever stood there for its id. `values` are by column.

    Celery notes a retry after it has sent the next try's message, so the note may come after that
    try's outcome; it then changes nothing.
    """
    now, at = sql_now(connection.vendor)
    row = [values[name] for name in RESULT_COLUMNS]
    _execute(connection, _WRITE_RESULT.format(now=now), [*row, *at, *at])


def _execute(connection: BaseDatabaseWrapper, statement: str, values: list[Any]) -> int:
    with prepared_cursor(connection) as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
