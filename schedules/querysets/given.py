"""Values of many objects as a table in a statement: what is the same for all of them travels once,
and what differs as a column.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from kombu.utils.json import JSONEncoder

Table = tuple[str, list[Any]]
"""The SQL of a table named `given`, and its parameters."""

_encode = JSONEncoder().encode
_AS_LITERAL: dict[str, Callable[[Any], str]] = {"bigint": str, "uuid": attrgetter("hex")}


def as_json(value: object) -> str:
    """Return the text of a value as Celery writes it."""
    if not value and type(value) in (dict, list):  # most of them, and making an encoder takes long
        return str(value)
    return _encode(value)


def given(vendor: str, columns: Mapping[str, str], objects: Sequence[object]) -> Table:
    """Return the objects' attributes for a FROM clause. `columns` are their names, with
    PostgreSQL's types; the first one tells the objects apart.
    """
    [_, *others] = columns
    values = dict(zip(columns, zip(*map(attrgetter(*columns), objects), strict=True), strict=True))
    # As text from here on, because [1] and [True] are equal, and not the same arguments.
    for name in (name for name, kind in columns.items() if kind == "jsonb"):
        values[name] = tuple(map(as_json, values[name]))
    shared = {name: values[name][0] for name in others if _is_shared(values[name])}
    differing = {name: values[name] for name in columns if name not in shared}
    if vendor == "sqlite":
        return _on_sqlite(shared, differing)
    return _on_postgres(columns, shared, differing)


def _is_shared(column: Sequence[object]) -> bool:
    return column.count(column[0]) == len(column)


def _on_postgres(
    columns: Mapping[str, str], shared: Mapping[str, Any], differing: Mapping[str, Sequence[Any]]
) -> Table:
    constants = "".join(f", %s::{columns[name]} AS {name}" for name in shared)
    # In a subselect their length is unknown to PostgreSQL, which would otherwise read all of the
    # jobs for five hundred of them rather than go by their numbers.
    arrays = ", ".join(f"(SELECT %s::{columns[name]}[])" for name in differing)
    table = f"(SELECT *{constants} FROM unnest({arrays}) AS each ({', '.join(differing)})) AS given"  # noqa: S608
    values = (as_array(columns[name], column) for name, column in differing.items())
    return table, [*shared.values(), *values]


def as_array(kind: str, column: Sequence[Any]) -> Any:
    """Return the values for PostgreSQL's array of that type; as its text where no value needs
    quotes, since psycopg looks at each of them.
    """
    as_literal = _AS_LITERAL.get(kind)
    if as_literal is None or None in column:
        return list(column)
    return f"{{{','.join(map(as_literal, column))}}}"


def among(vendor: str, kind: str, values: Sequence[Any]) -> tuple[str, Any]:
    """Return the condition of being one of the values, which are of PostgreSQL's type `kind`, and
    its one parameter.
    """
    if vendor == "sqlite":
        return "IN (SELECT value FROM json_each(%s))", json.dumps([*map(_for_sqlite, values)])
    return f"= ANY(%s::{kind}[])", as_array(kind, values)


def _on_sqlite(shared: Mapping[str, Any], differing: Mapping[str, Sequence[Any]]) -> Table:
    names = [f"value ->> {place} AS {name}" for place, name in enumerate(differing)]
    names += [f"%s AS {name}" for name in shared]
    rows = [[_for_sqlite(value) for value in row] for row in zip(*differing.values(), strict=True)]
    table = f"(SELECT {', '.join(names)} FROM json_each(%s)) AS given"  # noqa: S608
    return table, [*map(_for_sqlite, shared.values()), json.dumps(rows)]


_AS_DJANGO_STORES: dict[type, Callable[[Any], Any]] = {
    datetime: lambda value: str(value.astimezone(UTC).replace(tzinfo=None)),
    UUID: lambda value: value.hex,
}
"""On SQLite, so that equal values are equal texts."""


def _for_sqlite(value: Any) -> Any:
    store = _AS_DJANGO_STORES.get(type(value))
    return value if store is None else store(value)
