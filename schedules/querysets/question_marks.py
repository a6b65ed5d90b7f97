"""SQLite's cursor for statements of ours; apart, since on PostgreSQL no process needs SQLite."""

import sqlite3
from functools import lru_cache
from typing import Any, Self


class QuestionMarks(sqlite3.Cursor):
    """Takes statements with Django's placeholders."""

    def execute(self, sql: str, parameters: Any = ()) -> Self:
        """Execute the statement as the driver wants it."""
        return super().execute(_with_question_marks(sql), parameters)


@lru_cache(maxsize=128)
def _with_question_marks(sql: str) -> str:
    return sql.replace("%s", "?")
