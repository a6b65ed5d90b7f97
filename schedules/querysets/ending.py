"""The statements that end an attempt.

Written out because every run ends through them: the ORM's way of composing the same three costs
more processor time than executing them. The end that nearly all runs have, a success after which
nothing follows, is one statement on PostgreSQL: with a transaction around several, the way there
and back took longer than the work. SQLite has no statement that writes to three tables, and no way
to go.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from schedules.querysets.clock import sql_now
from schedules.querysets.slots import HELD, PASS_OVER, SEND_NEXT, send_next
from schedules.querysets.statements import Statement, prepared_cursor

# An attempt never ends before it started, also where the clock is put back meanwhile.
_ENDED_AT = {
    "postgresql": "GREATEST(started_at, clock_timestamp())",
    "sqlite": "MAX(IFNULL(started_at, ''), %s)",
}

# Everything that is put together here is a constant of ours; values travel as parameters.

# The state is hidden from the planner: next to nothing is ever running, so PostgreSQL would look
# for the run in the index by state, among all that have been running since the last vacuum.
_IS_MINE = "id = %s AND attempt = %s AND COALESCE(state, '') = 'running'"

_END_RUN = f"""
UPDATE schedules_run
SET state = %s, finished_at = {{ended_at}}, publish_at = NULL, reason = %s, error = %s, summary = %s
WHERE {_IS_MINE}
"""  # noqa: S608

_SUCCEED = f"""
UPDATE schedules_run
SET state = 'succeeded', finished_at = {{ended_at}}, publish_at = NULL, reason = '', error = '',
    summary = %s
WHERE {_IS_MINE} AND NOT EXISTS (
    SELECT 1 FROM schedules_dependency WHERE upstream_id = schedules_run.job_id AND until IS NULL
)
"""  # noqa: S608

_WHO_WAITS = f"""
RETURNING (
    SELECT held.job_id FROM schedules_run AS held
    WHERE held.job_id = schedules_run.job_id AND {HELD} LIMIT 1
)
"""  # noqa: S608

_WRITE_ATTEMPT = """
INSERT INTO schedules_attempt
    (run_id, number, instance_id, pid, started_at, ended_at, outcome, error)
SELECT id, attempt, instance_id, pid, started_at, {ended_at}, %s, %s FROM {ended}
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
SELECT {", ".join(["%s"] * len(RESULT_COLUMNS))}, {{now}}, {{now}} {{if_ended}}
ON CONFLICT (task_id) DO UPDATE
SET {", ".join(f"{name} = excluded.{name}" for name in (*RESULT_COLUMNS[1:], "date_done"))}
WHERE excluded.status NOT IN ('RETRY', 'STARTED')
   OR django_celery_results_taskresult.status NOT IN ('SUCCESS', 'FAILURE', 'REVOKED')
"""

# Whether another run waits is asked where there is a job to ask for: without one, PostgreSQL looked
# through all that waits.
_SUCCEED_AT_ONCE = f"""
WITH ended AS ({_SUCCEED} RETURNING id, attempt, instance_id, pid, started_at, finished_at),
    tried AS ({_WRITE_ATTEMPT.replace("{ended_at}", "finished_at")}),
    told AS ({_WRITE_RESULT.replace("{now}", "finished_at")}) {{and_pass_on}}
"""
_TELL = "SELECT id FROM ended"
_TELL_BOTH = """
SELECT ended.id, claimed.*
FROM (SELECT 1) AS always LEFT JOIN ended ON TRUE LEFT JOIN claimed ON TRUE
"""
_AND_PASS_ON = f", passed_on AS ({SEND_NEXT} AND EXISTS (SELECT 1 FROM ended))"  # noqa: S608
_AT_ONCE = {
    "now": "clock_timestamp()",
    "ended_at": "GREATEST(started_at, clock_timestamp() - make_interval(secs => %s))",
    "ended": "ended",
    "if_ended": "FROM ended",
    "pass_over": PASS_OVER["postgresql"],
}
_SUCCEED_ALONE = _SUCCEED_AT_ONCE.format(**_AT_ONCE, and_pass_on="") + _TELL
_SUCCEED_AND_PASS_ON = (
    _SUCCEED_AT_ONCE.format(**_AT_ONCE, and_pass_on=_AND_PASS_ON.format(**_AT_ONCE)) + _TELL
)


def success_statement(
    *,
    run_id: int,
    job_id: int | None,
    attempt: int,
    summary: str,
    result: Mapping[str, Any],
    seconds_ago: float = 0,
) -> Statement:
    """Return PostgreSQL's one statement for `succeed`; its one row says that the run has ended,
    `seconds_ago` by the database's clock.
    """
    values = [seconds_ago, summary, run_id, attempt]
    values += ["succeeded", "", *(result[name] for name in RESULT_COLUMNS)]
    if job_id is None:
        return _SUCCEED_ALONE, values
    return _SUCCEED_AND_PASS_ON, [*values, job_id]


def succeed_and_claim(success: Statement, claim: Statement) -> Statement:
    """Return one statement for both, whose one row says whether the first run has ended and what
    the claim returns, or NULLs.

    Neither is written without the other. They concern two runs, so it is the same which of them the
    server begins with.
    """
    (ends, of_end), (claims, of_claim) = success, claim
    return _both(ends, claims), [*of_end, *of_claim]


# Put together once, because the driver looks its statements up by their text.
@cache
def _both(ends: str, claims: str) -> str:
    return f"{ends.removesuffix(_TELL)}, claimed AS ({claims}) {_TELL_BOTH}"


def succeed(
    connection: BaseDatabaseWrapper,
    *,
    run_id: int,
    job_id: int | None,
    attempt: int,
    summary: str,
    result: Mapping[str, Any],
    seconds_ago: float = 0,
) -> bool:
    """End the run as succeeded, with its attempt and task result, if the attempt owns it and no job
    runs after its job; False, and nothing written, if not.

    `result` is by column. Whoever waits for the run's slot is sent. It ended `seconds_ago` by the
    database's clock; on SQLite, where no end waits, always now.
    """
    if connection.vendor == "postgresql":
        statement = success_statement(
            run_id=run_id,
            job_id=job_id,
            attempt=attempt,
            summary=summary,
            result=result,
            seconds_ago=seconds_ago,
        )
        return _execute(connection, *statement) == 1
    mine: list[Any] = [summary, run_id, attempt]
    now, at = sql_now(connection.vendor)
    waits, also_at = (" RETURNING NULL", []) if job_id is None else (_WHO_WAITS, [*at, *at])
    with transaction.atomic(connection.alias, savepoint=False):
        with prepared_cursor(connection) as cursor:
            ended_at = _ENDED_AT[connection.vendor]
            cursor.execute(
                (_SUCCEED + waits).format(now=now, ended_at=ended_at), [*at, *mine, *also_at]
            )
            ended = cursor.fetchone()
        if ended is None:
            return False
        write_attempt(connection, run_id=run_id, outcome="succeeded", error="")
        write_result(connection, result)
        if ended[0] is not None:
            send_next(connection, job_id=ended[0])
    return True


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
    _, at = sql_now(connection.vendor)
    values = [state, *at, reason, error, summary, run_id, attempt]
    statement = _END_RUN.format(ended_at=_ENDED_AT[connection.vendor])
    return _execute(connection, statement, values) == 1


def write_attempt(
    connection: BaseDatabaseWrapper, *, run_id: int, outcome: str, error: str
) -> None:
    """Write down the try that the run has just ended, from what the run says of it."""
    _, at = sql_now(connection.vendor)
    statement = _WRITE_ATTEMPT.format(
        ended_at=_ENDED_AT[connection.vendor], ended="schedules_run WHERE id = %s"
    )
    _execute(connection, statement, [*at, outcome, error, run_id])


def write_result(connection: BaseDatabaseWrapper, values: Mapping[str, Any]) -> None:
    """Write a task result, over whatever stood there for its id. `values` are by column.

    Celery notes a retry after it has sent the next try's message, so the note may come after that
    try's outcome; it then changes nothing.
    """
    now, at = sql_now(connection.vendor)
    row = [values[name] for name in RESULT_COLUMNS]
    # Without its condition SQLite would take the conflict's ON for that of a join.
    statement = _WRITE_RESULT.format(now=now, if_ended="WHERE TRUE")
    _execute(connection, statement, [*row, *at, *at])


def _execute(connection: BaseDatabaseWrapper, statement: str, values: Sequence[Any]) -> int:
    with prepared_cursor(connection) as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
