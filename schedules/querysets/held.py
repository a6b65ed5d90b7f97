"""Rows that another transaction holds: whoever must not wait for its end goes on without them.

Beat does everything in one thread, so a client that has edited one job and is slow to commit would
keep it from sending all others. SQLite has one writer, for whom each write waits as its connection
says.
"""

import logging
from collections.abc import Callable
from typing import Any

from django.db import OperationalError, connection, connections, transaction
from django.db.models import QuerySet

log = logging.getLogger(__name__)

LONGEST_WAIT_MS = 50
"""For one row. Who takes, ends or plans a run holds it for less."""

LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's code for a lock that was not to be had in time."""


class Held(Exception):
    """Another transaction holds a row that is wanted."""


def is_held(error: OperationalError) -> bool:
    """Whether a statement failed because another transaction held a row for too long."""
    return getattr(error.__cause__, "sqlstate", None) == LOCK_NOT_AVAILABLE


def lock_all(rows: QuerySet[Any]) -> None:
    """Lock the rows until the caller's commit. Raises Held."""
    if lock_but(rows):
        raise Held


def lock_but(rows: QuerySet[Any]) -> set[int]:
    """Lock the rows until the caller's commit, but for those that another transaction holds; return
    the numbers of these.
    """
    if not connections[rows.db].features.has_select_for_update_skip_locked:
        return set()
    mine = rows.select_for_update(skip_locked=True, no_key=True)
    return set(rows.exclude(pk__in=mine.values("pk")).values_list("pk", flat=True))


def unless_held(what: str, work: Callable[[], int]) -> int:
    """Do the `work` in a transaction, and return what it does; 0, and nothing of it is written,
    where another transaction holds a row that it wants. `what` it is stands in the log then.
    """
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute(f"SET LOCAL lock_timeout = {LONGEST_WAIT_MS}")
            return work()
    except OperationalError as error:
        if not is_held(error):
            raise
        log.info("Put off, since another transaction holds a row of it: %s", what)
        return 0
