"""What the columns of a model may hold: which values look suspicious to the database, and the exact
check of each kind.

SQLite's columns take whatever SQL puts into them; of PostgreSQL's only zones and JSON that our
decoders read can hold what cannot be loaded.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import cache, partial
from typing import Any, NamedTuple

from django.db import connections, models
from django.db.models import F, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, Substr
from django.db.models.lookups import Contains, Exact, In, IsNull
from django.utils.dateparse import parse_date, parse_datetime, parse_time
from timezone_field.fields import TimeZoneField

from schedules.errors import InvalidInput
from schedules.timing.zones import zone_named

Check = Callable[[str], str | None]
"""What a column accepts, in words, if it does not accept the text."""


class Column(NamedTuple):
    """A column that may hold what cannot be loaded.

    The database finds the rows that `look_suspicious`, which are all broken ones and few others;
    `check` is exact.
    """

    name: str
    look_suspicious: Q
    check: Check


def is_typeless(model: type[models.Model]) -> bool:
    """Whether the model's columns take values of any type."""
    return connections[model._default_manager.db].vendor == "sqlite"


def columns_of(model: type[models.Model]) -> Sequence[Column]:
    """Return the columns of the model that may hold what cannot be loaded."""
    typeless = is_typeless(model)
    if any(isinstance(field, TimeZoneField) for field in model._meta.concrete_fields):
        return list(_looked_up(model, typeless=typeless))  # by the zones in its rows
    return _known_columns(model, typeless)


@cache
def _known_columns(model: type[models.Model], typeless: bool) -> Sequence[Column]:
    return list(_looked_up(model, typeless=typeless))


def _looked_up(model: type[models.Model], *, typeless: bool) -> Iterator[Column]:
    for field in model._meta.concrete_fields:
        name = field.attname
        if isinstance(field, TimeZoneField):
            held = model._default_manager.order_by().values_list(as_text(name), flat=True)
            zones = held.distinct()
            broken = [zone for zone in zones if zone is not None and _zone(zone)]
            if broken:
                yield Column(name, Q(In(as_text(name), broken)), _zone)
        elif isinstance(field, models.JSONField):
            marked = Q(Contains(as_text(name), "__type__")) if field.decoder else Q()
            if typeless:
                marked |= Q(Exact(_function("json_valid", name), 0), IsNull(F(name), False))
            if marked:
                yield Column(name, marked, partial(_json, decoder=field.decoder))
        elif typeless:
            yield from _typeless_column(field, name)


def _typeless_column(field: "models.Field[Any, Any]", name: str) -> Iterator[Column]:
    """The column as SQLite has it, which holds whatever SQL has put there."""
    if isinstance(field, models.ForeignKey) and not isinstance(
        field.target_field, models.IntegerField
    ):
        return  # a broken one points nowhere
    for kinds, look_suspicious, check in _TYPELESS:
        if isinstance(field, kinds):
            yield Column(name, look_suspicious(name), check)
            return


def as_text(name: str) -> Cast:
    """The column as text."""
    return Cast(name, models.CharField())


def as_bytes(name: str) -> Cast:
    """The column as bytes, which every value can be loaded as."""
    return Cast(name, models.BinaryField())


def _function(function: str, name: str) -> models.Func:
    return models.Func(F(name), function=function, output_field=models.IntegerField())


def _is_stored_as(name: str, *types: str) -> Combinable:
    """Whether SQLite holds the value as one of its `types`, or as NULL."""
    held = models.Func(F(name), function="typeof", output_field=models.CharField())
    return In(held, [*types, "null"])


def _matches(name: str, pattern: str) -> Combinable:
    """Whether the text fits SQLite's pattern, letter by letter; bytes that are no UTF-8 are letters
    beyond ASCII. NULL for NULL.
    """
    return models.Func(
        Value(pattern), as_text(name), function="glob", output_field=models.BooleanField()
    )


def _is_as_django_writes_it(name: str, form: str, *, length: int) -> Combinable:
    """Whether SQLite, asked to write the date anew, writes what is there; true for NULL."""
    # With a modifier it reckons: 30 February becomes 2 March, which is not what is there.
    written = models.Func(
        Value(form),
        as_text(name),
        Value("+0 days"),
        function="strftime",
        output_field=models.CharField(),
    )
    return Coalesce(Exact(Substr(as_text(name), 1, length), written), IsNull(F(name), True))


def _zone(text: str) -> str | None:
    try:
        zone_named(text)
    except InvalidInput as error:
        return error.accepted
    return None


def _parsed(parse: Callable[[str], object], text: str, accepted: str) -> str | None:
    try:
        found = parse(text)
    except ValueError:
        found = None
    return accepted if found is None else None


def _instant(text: str) -> str | None:
    return _parsed(parse_datetime, text, "a date and a time, such as 2026-03-29 05:00:00")


def _day(text: str) -> str | None:
    return _parsed(parse_date, text, "a date, such as 2026-03-29")


def _time_of_day(text: str) -> str | None:
    return _parsed(parse_time, text, "a time of day, such as 05:00:00")


def _json(text: str, *, decoder: type[json.JSONDecoder] | None) -> str | None:
    try:
        json.loads(text, cls=decoder)
    except Exception:  # noqa: BLE001 - a decoder raises what it likes
        return "JSON"
    return None


def _uuid(text: str) -> str | None:
    return None if re.fullmatch(r"[0-9a-f]{32}", text) else "32 hexadecimal digits"


def _microseconds(text: str) -> str | None:
    return None if re.fullmatch(r"-?[0-9]{1,19}", text) else "a whole number of microseconds"


def _number(text: str) -> str | None:
    try:
        number = Decimal(text)
    except ArithmeticError:
        return "a number"
    return None if number.is_finite() else "a number"


def _whole_number(text: str) -> str | None:
    return None if re.fullmatch(r"-?[0-9]{1,19}", text) else "a whole number"


def _flag(text: str) -> str | None:
    return None if text in ("0", "1") else "1 for true or 0 for false"


_TYPELESS: Sequence[tuple[tuple[type[Any], ...], Callable[[str], Q], Check]] = (
    (
        (models.DateTimeField,),
        lambda name: ~Q(_is_as_django_writes_it(name, "%Y-%m-%d %H:%M:%S", length=19)),
        _instant,
    ),
    (
        (models.DateField,),
        lambda name: ~Q(_is_as_django_writes_it(name, "%Y-%m-%d", length=10)),
        _day,
    ),
    (
        (models.TimeField,),
        lambda name: ~Q(_is_as_django_writes_it(name, "%H:%M:%S", length=8)),
        _time_of_day,
    ),
    (
        (models.DecimalField, models.FloatField),
        lambda name: ~Q(_is_stored_as(name, "integer", "real")),
        _number,
    ),
    ((models.DurationField,), lambda name: ~Q(_is_stored_as(name, "integer")), _microseconds),
    ((models.BooleanField,), lambda name: ~Q(In(as_text(name), ["0", "1"])), _flag),
    ((models.UUIDField,), lambda name: ~Q(_matches(name, "[0-9a-f]" * 32)), _uuid),
    (
        (models.IntegerField, models.ForeignKey),
        lambda name: ~Q(_is_stored_as(name, "integer")),
        _whole_number,
    ),
    (
        (models.CharField, models.TextField),
        lambda name: Q(_matches(name, f"*[^{chr(1)}-{chr(126)}]*")),
        lambda _: None,
    ),
)
"""Kinds of columns: which values look suspicious to the database, and the exact check. The first
that fits counts.
"""
