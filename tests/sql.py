"""SQL as somebody with a database client writes it, past every check of ours."""

from typing import Any

from django.db import connection


def run_sql(statement: str, *parameters: Any) -> None:
    """Execute one statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
