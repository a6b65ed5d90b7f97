"""The claim's statement. Raw, because the ORM has no UPDATE ... RETURNING, and it must be one."""

from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from schedules.querysets.clock import sql_now
from schedules.states import BY_ITSELF, WAITING

MOST_INSTANCES = 10
"""Slots a job can have at most."""

_SLOTS = " UNION ALL ".join(f"SELECT {n} AS place" for n in range(1, MOST_INSTANCES + 1))
_BY_ITSELF = ", ".join(f"'{origin}'" for origin in sorted(BY_ITSELF))
_WAITING = ", ".join(f"'{state}'" for state in sorted(WAITING))

# Everything that is put together here is a constant of ours; values travel as parameters.
# Whether the job may run is asked here and not only when planning, so that after a disable, a pause
# or a deletion has committed, however it was made, nothing of the timetable starts any more. A
# one-off job is disabled as soon as its occurrence is planned, which is no reason.
_CLAIM = f"""
UPDATE schedules_run AS mine
SET state = 'running', publish_at = NULL, attempt = attempt + 1,
    instance_id = %s, pid = %s, started_at = {{now}},
    slot = CASE WHEN mine.job_id IS NULL THEN NULL ELSE (
        SELECT MIN(slots.place) FROM ({_SLOTS}) AS slots
        WHERE slots.place <= (SELECT max_instances FROM schedules_job WHERE id = mine.job_id)
          AND NOT EXISTS (
            SELECT 1 FROM schedules_run AS other
            WHERE other.job_id = mine.job_id AND other.state = 'running'
              AND other.slot = slots.place
          )
    ) END
WHERE task_id = %s AND task = %s AND state IN ({_WAITING}) AND due_at <= {{now}}
  AND (expires_at IS NULL OR expires_at >= {{now}})
  AND NOT EXISTS (
    SELECT 1 FROM schedules_globalpause AS pause
    WHERE pause.ended_at IS NULL AND (NOT pause.drain OR mine.due_at > pause.started_at)
  )
  AND (origin NOT IN ({_BY_ITSELF}) OR EXISTS (
    SELECT 1 FROM schedules_job AS job
    LEFT JOIN django_celery_beat_periodictask AS task ON task.id = job.periodic_task_id
    WHERE job.id = mine.job_id AND job.is_active
      AND (job.one_off OR (job.is_enabled AND task.enabled))
      AND (job.paused_at IS NULL OR job.paused_until <= {{now}})
  ))
RETURNING {{columns}}
"""  # noqa: S608


def claim_statement(
    vendor: str,
    *,
    columns: tuple[str, ...],
    task_id: UUID,
    task: str,
    instance_id: UUID,
    pid: int,
) -> tuple[str, Sequence[Any]]:
    """Return the SQL that takes one run and returns its `columns`, and the parameters, for the
    database `vendor`.
    """
    _, at = sql_now(vendor)
    # Where the driver has no UUIDs, Django stores them as 32 hexadecimal digits.
    mine, run = (instance_id.hex, task_id.hex) if vendor == "sqlite" else (instance_id, task_id)
    return _text(vendor, columns), [mine, pid, *at, run, task, *at, *at, *at]


@cache
def _text(vendor: str, columns: tuple[str, ...]) -> str:
    now, _ = sql_now(vendor)
    return _CLAIM.format(now=now, columns=", ".join(columns))
