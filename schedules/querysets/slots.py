"""The statements by which runs that are held get the slots of their jobs as these come free.

Held is a run that is due, and that the outbox looks at only later: nothing sends it before but a
free slot.
"""

from collections.abc import Collection, Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from schedules.querysets.claim import MOST_INSTANCES
from schedules.querysets.clock import sql_now
from schedules.querysets.given import among
from schedules.querysets.statements import prepared_cursor

# Everything that is put together here is a constant of ours; values travel as parameters.

HELD = "state = 'planned' AND publish_at > {now} AND due_at <= {now}"

# Whoever holds a run is just claiming it, or has just sent it for another slot.
PASS_OVER = {"postgresql": "FOR NO KEY UPDATE SKIP LOCKED", "sqlite": ""}

SEND_NEXT = f"""
UPDATE schedules_run SET publish_at = {{now}} WHERE id = (
    SELECT id FROM schedules_run WHERE job_id = %s AND {HELD}
    ORDER BY scheduled_at, id LIMIT 1 {{pass_over}}
)
"""  # noqa: S608

# Of a backlog no more is counted than can have a slot.
_FREE = f"""
job.max_instances - (
    SELECT COUNT(*) FROM schedules_run AS other
    WHERE other.job_id = job.id AND other.state = 'running'
) - (
    SELECT COUNT(*) FROM (
        SELECT 1 FROM schedules_run AS other
        WHERE other.job_id = job.id AND other.publish_at IS NOT NULL AND other.due_at <= {{now}}
          AND (other.state <> 'planned' OR other.publish_at <= {{now}})
        LIMIT {MOST_INSTANCES}
    ) AS on_their_way
)
"""  # noqa: S608

_FILL = {
    # Of two at once each sends others: what is locked does not count towards the limit. Who waits
    # is looked for once, and not for each job.
    "postgresql": f"""
        UPDATE schedules_run SET publish_at = {{now}} WHERE id = ANY(ARRAY(
            SELECT next.id FROM schedules_job AS job CROSS JOIN LATERAL (
                SELECT id FROM schedules_run WHERE job_id = job.id AND {HELD}
                ORDER BY scheduled_at, id LIMIT GREATEST(0, {_FREE})
                {PASS_OVER["postgresql"]}
            ) AS next
            WHERE job.id = ANY(ARRAY(
                SELECT job_id FROM schedules_run WHERE job_id {{of_these}} AND {HELD}
            ))
        ))
    """,  # noqa: S608
    "sqlite": f"""
        UPDATE schedules_run SET publish_at = {{now}} WHERE id IN (
            SELECT next.id FROM schedules_job AS job JOIN (
                SELECT id, job_id,
                    ROW_NUMBER() OVER (PARTITION BY job_id ORDER BY scheduled_at, id) AS place
                FROM schedules_run WHERE job_id {{of_these}} AND {HELD}
            ) AS next ON job.id = next.job_id
            WHERE next.place <= {MOST_INSTANCES} AND next.place <= {_FREE}
        )
    """,  # noqa: S608
}


def send_next(connection: BaseDatabaseWrapper, *, job_id: int) -> None:
    """Have the outbox send the run of the job that has waited longest for a slot, if one does."""
    now, at = sql_now(connection.vendor)
    statement = SEND_NEXT.format(now=now, pass_over=PASS_OVER[connection.vendor])
    _execute(connection, statement, [*at, job_id, *at, *at])


def fill_slots(connection: BaseDatabaseWrapper, job_ids: Collection[int | None]) -> None:
    """Have the outbox send as many held runs of each job as it has free slots, less those that are
    on their way to one already. Asks nothing for None, the job of a call.
    """
    jobs = sorted({job_id for job_id in job_ids if job_id is not None})
    if not jobs:
        return
    now, at = sql_now(connection.vendor)
    of_these, ids = among(connection.vendor, "bigint", jobs)
    statement = _FILL[connection.vendor].format(now=now, of_these=of_these)
    _execute(connection, statement, [*at, ids, *at, *at, *at, *at])


def _execute(connection: BaseDatabaseWrapper, statement: str, values: Sequence[Any]) -> None:
    with prepared_cursor(connection) as cursor:
        cursor.execute(statement, values)
