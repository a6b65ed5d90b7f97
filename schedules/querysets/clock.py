"""The one clock: the database's. Nothing else in the engine decides what is due.

On SQLite the database is in this process and its clock is the host's, but its own functions cut off
at milliseconds; Python's reading keeps the microseconds, so that "started" never lies before "due".
"""

from datetime import UTC, datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import DateTimeField, Func, Value
from django.utils.dateparse import parse_datetime

from schedules.querysets.statements import prepared_cursor


def database_now(using: str = DEFAULT_DB_ALIAS) -> datetime:
    """Return the database's present instant, aware, in UTC."""
    connection = connections[using]
    if connection.vendor == "sqlite":
        return datetime.now(UTC)
    with prepared_cursor(connection) as cursor:  # every single call asks
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now.astimezone(UTC)


def as_instant(value: object) -> datetime | None:
    """Return what a written-out statement gave for an instant, aware, in UTC; None for NULL.

    SQLite gives text, as Django stores it. Raises ValueError for text that is no instant.
    """
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    instant = parse_datetime(str(value))
    if instant is None:
        raise ValueError(value)
    return instant.replace(tzinfo=UTC)


def sql_now(vendor: str) -> tuple[str, list[str]]:
    """Return the present instant for a written-out statement: its SQL, and its parameters."""
    if vendor == "sqlite":
        # As Django stores instants there.
        return "%s", [datetime.now(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")]
    return "clock_timestamp()", []


class DatabaseNow(Func):
    """The same instant as an expression, for use inside one statement."""

    function = "CLOCK_TIMESTAMP"
    template = "%(function)s()"
    output_field = DateTimeField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Send Python's reading of the same clock."""
        return Value(datetime.now(UTC), DateTimeField()).as_sql(compiler, connection)
