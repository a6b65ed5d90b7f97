"""The marks on runs: that the broker has been told of them, or could not be told."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any
from uuid import UUID

from django.db import OperationalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from schedules.querysets.clock import sql_now
from schedules.querysets.given import among
from schedules.querysets.held import LONGEST_WAIT_MS, is_held

# Who is about to send a run has written it as `sent`. So one that was held for a slot, moved or is
# to be tried again meanwhile does not count as told, and no column changes that is in an index:
# PostgreSQL then writes the row again beside its old version, and none of seven entries. The state
# is hidden from its planner, which would look by it through all that is on its way.
_MARK_SENT = ("sent_at = {now}", "sent_at IS NULL AND COALESCE(state, '') = 'sent'")

# What was moved to a later time meanwhile is not sent before it.
_MARK_UNSENT = (
    """
    publish_at = {now}, sends = CASE WHEN sends > 0 THEN sends - 1 ELSE 0 END,
    state = CASE WHEN state <> 'sent' OR sent_at IS NOT NULL THEN state
        WHEN attempt > 0 THEN 'retrying' ELSE 'planned' END
    """,
    "publish_at IS NOT NULL AND due_at <= {now}",
)

_MARK = "UPDATE schedules_run SET {change} WHERE task_id {of_these} AND {condition}"

# Whoever holds a run is just taking, moving or cancelling it, and it needs no mark; if it stays as
# it was, the outbox sends it once more. To wait for the end of that transaction would keep back all
# that is to be sent after it, and could be a deadlock: it may hold some of these runs and want the
# others. To lock them first, each time, took a fifth of a burst's rate: so it is tried without,
# with a limit to each wait that the statement sets before it comes to its first row.
_MARK_IN_TIME = (
    _MARK + f" AND (SELECT set_config('lock_timeout', '{LONGEST_WAIT_MS}', TRUE)) IS NOT NULL"
)
_MARK_WHAT_IS_FREE = """
UPDATE schedules_run SET {change} WHERE id = ANY(ARRAY(
    SELECT id FROM schedules_run WHERE task_id {of_these} AND {condition}
    FOR NO KEY UPDATE SKIP LOCKED
))
"""


def mark_sent(connection: BaseDatabaseWrapper, task_ids: Sequence[UUID]) -> int:
    """Note that the broker has been told of these runs; return of how many it is news.

    Waits for nobody for long: a run that another transaction holds is left as it is.
    """
    _, at = sql_now(connection.vendor)
    return _mark(connection, _MARK_SENT, task_ids, at, [])


def mark_unsent(connection: BaseDatabaseWrapper, task_ids: Sequence[UUID]) -> int:
    """Note that the broker could not be told of these runs, which counted as sent from their
    handing over on; return how many of them wait, and are the outbox's at once.

    Waits for nobody for long: a run that another transaction holds is left as it is.
    """
    _, at = sql_now(connection.vendor)
    return _mark(connection, _MARK_UNSENT, task_ids, at, at)


def _mark(
    connection: BaseDatabaseWrapper,
    mark: tuple[str, str],
    task_ids: Sequence[UUID],
    before: Sequence[Any],
    after: Sequence[Any],
) -> int:
    """Change those of the runs that meet the mark's condition; `before` and `after` their ids stand
    the parameters of the change and of the condition.
    """
    now, _ = sql_now(connection.vendor)
    of_these, ids = among(connection.vendor, "uuid", task_ids)
    change, condition = (part.format(now=now) for part in mark)

    def execute(statement: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                statement.format(change=change, of_these=of_these, condition=condition),
                [*before, ids, *after],
            )
            return int(cursor.rowcount)

    if connection.vendor != "postgresql":
        return execute(_MARK)
    try:
        with transaction.atomic(connection.alias) if connection.in_atomic_block else nullcontext():
            return execute(_MARK_IN_TIME)
    except OperationalError as error:
        if not is_held(error):
            raise
        return execute(_MARK_WHAT_IS_FREE)
