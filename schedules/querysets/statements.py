"""The way to the database and back for the few statements that every run passes through."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorDebugWrapper
from django.db.models import Field, Model, QuerySet

Row = TypeVar("Row", bound=Model)

Statement = tuple[str, Sequence[Any]]
"""SQL, and its parameters."""


def prepared_cursor(connection: BaseDatabaseWrapper) -> Any:
    """Return a cursor, to be closed by the caller, whose statements PostgreSQL parses and plans
    once for each connection and not each time.

    Planning a claim takes longer than executing it. Django's own cursor writes the values into the
    text, so that no two statements are the same; this one sends them beside it. Whether they are
    kept is the connection's `prepare_threshold`: None, as behind a pooler that cannot keep them,
    only sends them. On SQLite, which keeps statements by itself, Django's cursor rewrites the text
    each time; this one does it once.
    """
    if connection.vendor != "postgresql":
        from schedules.querysets.question_marks import QuestionMarks

        connection.ensure_connection()
        return _wrapped(connection.connection.cursor(factory=QuestionMarks), connection)
    from psycopg import Cursor  # not installed where there is only SQLite

    connection.close_if_health_check_failed()
    connection.ensure_connection()
    cursor: Any = Cursor(connection.connection)
    if connection.queries_logged:
        return _LoggedCursor(cursor, connection)
    return connection.make_cursor(cursor)


def planned_anew(connection: BaseDatabaseWrapper) -> Any:
    """Return a cursor, to be closed by the caller, for a statement that is put together once:
    PostgreSQL plans it each time, by what the tables hold then. One that was planned while a ledger
    was empty would look through all that was written since, until the table is analysed.
    """
    return prepared_cursor(connection) if connection.vendor == "sqlite" else connection.cursor()


def first_row(connection: BaseDatabaseWrapper, statement: Statement) -> Any:
    """Execute the statement, and return its first row, or None."""
    with prepared_cursor(connection) as cursor:
        cursor.execute(*statement)
        return cursor.fetchone()


def is_any(rows: "QuerySet[Any]") -> bool:
    """Whether there is one of the rows: as `exists`, by a statement that PostgreSQL plans once for
    each connection, if it has no parameters.

    For a look at a table in which there is mostly nothing, and never very much.
    """
    sql, values = rows.order_by().values_list("pk")[:1].query.sql_with_params()
    return first_row(connections[rows.db], (sql, values)) is not None


def do_not_wait_for_the_disk(connection: BaseDatabaseWrapper) -> None:
    """Have the commit of the transaction that is open answered before it is on the disk, where the
    database can: if the server crashes within about half a second, it forgets what was written.

    For what is soon written anew, and misses nothing by being older.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO off")


def _wrapped(cursor: Any, connection: BaseDatabaseWrapper) -> Any:
    wrap = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    return wrap(cursor)


class _LoggedCursor(CursorDebugWrapper):
    """Logs the statements as they are sent, with placeholders: psycopg keeps no text of those that
    it sends by name.
    """

    @contextmanager
    def debug_sql(
        self,
        sql: Any = None,
        params: Any = None,
        use_last_executed_query: bool = False,
        many: bool = False,
    ) -> Iterator[None]:
        with super().debug_sql(sql, params, use_last_executed_query=False, many=many):
            yield


def row_of(model: type[Row], column: str, value: int, *, locked: bool = False) -> Row | None:
    """Return the one row whose `column` is `value`, which is unique, or None; with `locked` until
    the commit, as far as the database locks rows, and None where another transaction holds it.

    As the ORM would, which takes three times the processor time to put a wide statement together.
    """
    using = model._default_manager.db
    connection = connections[using]
    sql = _select(model, column, locked and connection.features.has_select_for_update_skip_locked)
    with prepared_cursor(connection) as cursor:
        cursor.execute(sql, [value])
        row = cursor.fetchone()
    return None if row is None else read_row(model, row, using=using)


@cache
def _select(model: type[Model], column: str, locked: bool) -> str:
    columns = ", ".join(f'"{name}"' for name in column_names(model))
    lock = " FOR NO KEY UPDATE SKIP LOCKED" if locked else ""
    table = model._meta.db_table
    return f'SELECT {columns} FROM {table} WHERE "{column}" = %s{lock}'  # noqa: S608 - the model's


@cache
def column_names(model: type[Model], *without: str) -> tuple[str, ...]:
    """Return the model's columns, in the order that `read_row` takes. Named, because the answer to
    `*` changes with a migration, while older workers still run.

    The fields named in `without` are not read; the object asks for them should anybody want them.
    """
    return tuple(str(field.column) for field in _fields(model, without))


def read_row(model: type[Row], row: Sequence[Any], *without: str, using: str) -> Row:
    """Return the object that a statement has returned as its `column_names`."""
    connection = connections[using]
    values = list(row)
    for place, column, converters in _converters(model, without, using):
        for convert in converters:
            values[place] = convert(values[place], column, connection)
    return model.from_db(using, _attributes(model, without), values)


@cache
def _fields(model: type[Model], without: tuple[str, ...]) -> "Sequence[Field[Any, Any]]":
    return [field for field in model._meta.concrete_fields if field.name not in without]


@cache
def _attributes(model: type[Model], without: tuple[str, ...]) -> frozenset[str]:
    # A set, because `from_db` asks for each field of the model whether it is in here.
    return frozenset(field.attname for field in _fields(model, without))


@cache
def _converters(
    model: type[Model], without: tuple[str, ...], using: str
) -> Sequence[tuple[int, Any, Sequence[Callable[..., Any]]]]:
    """Return what turns a column into a value, by its place; most need nothing."""
    columns = [field.cached_col for field in _fields(model, without)]
    compiler = model._default_manager.using(using).query.get_compiler(using)
    found = compiler.get_converters(columns)
    return [(place, column, converters) for place, (converters, column) in found.items()]
