"""Emptying the tables after a test that commits, in a few milliseconds.

Django's own flush takes a tenth of a second: PostgreSQL makes new files for each truncated table,
and afterwards every content type and permission is made anew. These two tables are kept here, and
the others lose the rows that they have.
"""

from typing import Any

from django.core.management.color import no_style
from django.db import connection, transaction
from django.test import TransactionTestCase

KEPT = frozenset({"django_content_type", "auth_permission"})
"""What migrating a database leaves in it, and no test changes."""


def flush() -> None:
    """Delete every row of the default database but for those of the tables KEPT."""
    names = connection.introspection.django_table_names(only_existing=True)
    # The stock tables first, because their triggers write into ours.
    emptied = sorted(set(names) - KEPT)
    if connection.vendor != "postgresql":
        connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), emptied))
        return
    deletions = (f"DELETE FROM {connection.ops.quote_name(name)}" for name in emptied)  # noqa: S608
    with transaction.atomic(), connection.cursor() as cursor:
        # Neither foreign keys nor triggers look at these deletions.
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("; ".join(deletions))


def install() -> None:
    """Have every test that commits end with this flush."""

    def teardown(self: TransactionTestCase) -> None:
        flush()

    case: Any = TransactionTestCase
    case._fixture_teardown = teardown
