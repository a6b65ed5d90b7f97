"""Rows of django-celery-beat's tables that cannot be loaded as objects.

SQLite's columns take whatever SQL puts into them, and a zone is text in every database. Django
fails while it loads such a row, and with it fails every other row of the same query. So whoever
loads many of them looks here first, and whoever loads one gets words.
"""

import logging
from collections.abc import Collection, Iterable, Sequence
from functools import reduce
from operator import or_
from typing import Any, TypeVar

from django.db import connections, models
from django.db.models import Q, QuerySet

from schedules.adapters.columns import Column, as_bytes, as_text, columns_of, is_typeless
from schedules.errors import InvalidInput
from schedules.querysets.given import among
from schedules.querysets.statements import planned_anew

log = logging.getLogger(__name__)

Row = TypeVar("Row", bound=models.Model)

DATES = ("start_time", "expires", "last_run_at", "date_changed")
"""Columns of a periodic task that can keep it from being loaded, and that few need to load."""


def unreadable(
    model: type[models.Model], pks: Collection[int] | None = None
) -> dict[int, list[InvalidInput]]:
    """Return what is wrong with the rows of `model` (all, or those of `pks`), by their numbers.

    Empty for a healthy table. Each error names the column, what is in it and what is accepted.
    """
    rows = model._default_manager.all()
    if pks is None:
        return unreadable_among(rows)
    columns = columns_of(model)
    return _wrong_with(rows.filter(pk__in=pks), columns) if columns else {}


def unreadable_among(
    rows: "QuerySet[Any]", *, also: Sequence[Column] = ()
) -> dict[int, list[InvalidInput]]:
    """Return the same about a choice of a model's rows, which can have columns `also` looked at by
    other rules than that they can be loaded.
    """
    columns = [*columns_of(rows.model), *also]
    if not columns:
        return {}
    return _wrong_with(rows.filter(_suspicion(columns)), columns)


class Look:
    """The search for unreadable rows of a model without zones, put together once: to compose the
    statement takes the ORM ten times as long as it takes the database to find nothing.
    """

    def __init__(self, model: type[models.Model], *, also: Sequence[Column] = ()) -> None:
        self._connection = connections[model._default_manager.db]
        self._columns = [*columns_of(model), *also]
        self._statement: tuple[str, Sequence[Any]] | None = None
        if self._columns:
            suspicious = model._default_manager.filter(_suspicion(self._columns)).order_by()
            rows = _with_values(suspicious, self._columns)
            self._statement = rows.query.sql_with_params()

    def through_all(self) -> dict[int, list[InvalidInput]]:
        """Return what is wrong with the rows, by their numbers, as `unreadable` does."""
        return self._found("", [])

    def among(self, pks: Sequence[int]) -> dict[int, list[InvalidInput]]:
        """Return the same of some rows."""
        if not pks:
            return {}
        numbers, given = among(self._connection.vendor, "bigint", pks)
        return self._found(f" WHERE pk {numbers}", [given])

    def _found(self, condition: str, given: Sequence[Any]) -> dict[int, list[InvalidInput]]:
        if self._statement is None:
            return {}
        sql, values = self._statement
        with planned_anew(self._connection) as cursor:
            cursor.execute(
                f"SELECT * FROM ({sql}) AS suspicious{condition}",  # noqa: S608 - names of ours
                [*values, *given],
            )
            return _errors(cursor.fetchall(), self._columns)


def _suspicion(columns: Sequence[Column]) -> Q:
    return reduce(or_, (column.look_suspicious for column in columns))


def _wrong_with(rows: "QuerySet[Any]", columns: Sequence[Column]) -> dict[int, list[InvalidInput]]:
    return _errors(_with_values(rows.order_by("pk"), columns), columns)


def _with_values(rows: "QuerySet[Any]", columns: Sequence[Column]) -> Any:
    plain = as_bytes if is_typeless(rows.model) else as_text
    values = {f"{column.name}_plain": plain(column.name) for column in columns}
    return rows.annotate(**values).values_list("pk", *values)


def _errors(
    rows: Iterable[Sequence[Any]], columns: Sequence[Column]
) -> dict[int, list[InvalidInput]]:
    found: dict[int, list[InvalidInput]] = {}
    # Each once, also where two rules concern it.
    names = list(dict.fromkeys(column.name for column in columns))
    for pk, *held in rows:
        values = dict(zip(names, held, strict=True))
        for column in columns:
            value = values[column.name]
            error = None if value is None else _error(column, value)
            if error is not None:
                found.setdefault(pk, []).append(error)
    return found


def load_readable(rows: "QuerySet[Row]", start: int, stop: int) -> list[Row]:
    """Return a slice of `rows`: of all, or of those that can be read where one of it cannot.

    What is left out is logged, in words. An error that no broken row explains is raised.
    """
    try:
        found = list(rows[start:stop])
        if not any(_lacks_a_value(row) for row in found):
            return found
        error: Exception | None = None
    except (ValueError, TypeError, AttributeError) as misread:
        error = misread
    broken = unreadable_or_pointing(rows.model)
    if error is not None and not broken:
        raise error
    for pk, errors in broken.items():
        words = " ".join(str(one) for one in errors)
        log.warning("A list leaves out %s %s: %s", rows.model._meta.verbose_name, pk, words)
    return list(rows.exclude(pk__in=list(broken))[start:stop])


class UnreadableRow(Exception):
    """A row that SQL has broken; `str()` says what was found in it, and what to do."""

    def __init__(self, name: str, pk: int, errors: Sequence[InvalidInput]) -> None:
        words = " ".join(str(error) for error in errors)
        super().__init__(f"{name} {pk} cannot be read: {words} Mend it on its page of the admin.")


def load_one(rows: "QuerySet[Row]", pk: int) -> Row | None:
    """Return the one of `rows` with this number, or None. Raises UnreadableRow for a broken one."""
    error: Exception | None = None
    try:
        row = rows.filter(pk=pk).first()
        if row is None or not _lacks_a_value(row):
            return row
    except (ValueError, TypeError, AttributeError) as misread:
        error = misread
    wrong = unreadable_or_pointing(rows.model, pk=pk).get(pk)
    if wrong:
        name = str(rows.model._meta.verbose_name).capitalize()
        raise UnreadableRow(name, pk, wrong) from error
    if error is not None:
        raise error
    return row


def _lacks_a_value(row: models.Model) -> bool:
    """Whether a column that always has a value was read as none: what is no date comes so."""
    loaded = row.__dict__
    fields = row._meta.concrete_fields
    return any(loaded.get(field.attname, 0) is None and not field.null for field in fields)


def unreadable_or_pointing(
    model: type[models.Model], *, pk: int | None = None
) -> dict[int, list[InvalidInput]]:
    """Return what is wrong with the rows of `model` (all, or the one with the number `pk`), or with
    the rows they point at.
    """
    found = unreadable(model, None if pk is None else [pk])
    for field in model._meta.concrete_fields:
        if not isinstance(field, models.ForeignKey):
            continue
        for target, errors in unreadable(field.related_model).items():
            accepted = f"a row that can be read, and in that one {errors[0]}".rstrip(".")
            pointing = model._default_manager.filter(**{field.attname: target})
            for number in pointing.values_list("pk", flat=True):
                if pk in (None, number):
                    found.setdefault(number, []).append(InvalidInput(field.name, target, accepted))
    return found


def refuse_unreadable(model: type[models.Model], pk: int) -> None:
    """Raise InvalidInput for the first thing that keeps the row from being loaded."""
    for errors in unreadable(model, [pk]).values():
        raise errors[0]


def _error(column: Column, value: str | bytes) -> InvalidInput | None:
    text = value if isinstance(value, str) else value.decode(errors="backslashreplace")
    if isinstance(value, bytes) and not _is_utf8(value):
        return InvalidInput(column.name, text, "text in UTF-8")
    accepted = column.check(text)
    return None if accepted is None else InvalidInput(column.name, text, accepted)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
