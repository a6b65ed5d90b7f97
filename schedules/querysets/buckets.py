"""Instants cut to hours and days inside the database, as text that both databases write alike."""

from typing import Any

from django.db.models import CharField, Func


class _Cut(Func):
    arity = 1
    output_field = CharField()
    length: int
    pattern: str

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Cut the stored text: the ORM's own truncation calls back into Python for each row."""
        return self.as_sql(
            compiler, connection, template=f"SUBSTR(%(expressions)s, 1, {self.length})"
        )

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Write the instant in UTC."""
        template = f"TO_CHAR(%(expressions)s AT TIME ZONE 'UTC', '{self.pattern}')"
        return self.as_sql(compiler, connection, template=template)


class HourOf(_Cut):
    """`2026-03-02 14` of an instant, in UTC."""

    length, pattern = 13, "YYYY-MM-DD HH24"


class DayOf(_Cut):
    """`2026-03-02` of an instant, in UTC."""

    length, pattern = 10, "YYYY-MM-DD"
