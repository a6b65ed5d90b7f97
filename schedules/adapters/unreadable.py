"""Rows of django-celery-beat's tables that cannot be loaded as objects.

SQLite's columns take whatever SQL puts into them, and a zone is text in every database. Django
fails while it loads such a row, and with it fails every other row of the same query. So whoever
loads many of them looks here first, and whoever loads one gets words.
"""

import json
import logging
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, partial, reduce
from operator import or_
from typing import Any, TypeVar

from django.db import connections, models
from django.db.models import F, Q, QuerySet, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, Substr
from django.db.models.lookups import Contains, Exact, In, IsNull
from django.utils.dateparse import parse_date, parse_datetime, parse_time
from timezone_field.fields import TimeZoneField

from schedules.errors import InvalidInput
from schedules.timing.zones import zone_named

log = logging.getLogger(__name__)

Row = TypeVar("Row", bound=models.Model)

DATES = ("start_time", "expires", "last_run_at", "date_changed")
"""Columns of a periodic task that can keep it from being loaded, and that few need to load."""

Check = Callable[[str], str | None]
"""What a column accepts, in words, if it does not accept the text."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that may hold what cannot be loaded.

    The database finds the rows that `look_suspicious`, which are all broken ones and few others;
    `check` is exact.
    """

    name: str
    look_suspicious: Q
    check: Check


def unreadable(
    model: type[models.Model], pks: Collection[int] | None = None
) -> dict[int, list[InvalidInput]]:
    """Return what is wrong with the rows of `model` (all, or those of `pks`), by their numbers.

    Empty for a healthy table. Each error names the column, what is in it and what is accepted.
    """
    rows = model._default_manager.all()
    if pks is None:
        return unreadable_among(rows)
    columns = _columns(model)
    return _wrong_with(rows.filter(pk__in=pks), columns) if columns else {}


def unreadable_among(rows: "QuerySet[Any]") -> dict[int, list[InvalidInput]]:
    """Return the same about a choice of a model's rows."""
    columns = _columns(rows.model)
    if not columns:
        return {}
    suspicious = reduce(or_, (column.look_suspicious for column in columns))
    return _wrong_with(rows.filter(suspicious), columns)


def _wrong_with(rows: "QuerySet[Any]", columns: Sequence[Column]) -> dict[int, list[InvalidInput]]:
    model = rows.model
    # As bytes or text, which every value can be loaded as.
    plain = _bytes if _is_typeless(model) else _text
    values = {f"{column.name}_plain": plain(column.name) for column in columns}
    found: dict[int, list[InvalidInput]] = {}
    for pk, *held in rows.order_by("pk").annotate(**values).values_list("pk", *values):
        for column, value in zip(columns, held, strict=True):
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


def _is_typeless(model: type[models.Model]) -> bool:
    return connections[model._default_manager.db].vendor == "sqlite"


def _columns(model: type[models.Model]) -> Sequence[Column]:
    typeless = _is_typeless(model)
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
            zones = model._default_manager.order_by().values_list(_text(name), flat=True).distinct()
            broken = [zone for zone in zones if zone is not None and _zone(zone)]
            if broken:
                yield Column(name, Q(In(_text(name), broken)), _zone)
        elif isinstance(field, models.JSONField):
            marked = Q(Contains(_text(name), "__type__")) if field.decoder else Q()
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


def _text(name: str) -> Cast:
    return Cast(name, models.CharField())


def _bytes(name: str) -> Cast:
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
        Value(pattern), _text(name), function="glob", output_field=models.BooleanField()
    )


def _is_as_django_writes_it(name: str, form: str, *, length: int) -> Combinable:
    """Whether SQLite, asked to write the date anew, writes what is there; true for NULL."""
    # With a modifier it reckons: 30 February becomes 2 March, which is not what is there.
    written = models.Func(
        Value(form),
        _text(name),
        Value("+0 days"),
        function="strftime",
        output_field=models.CharField(),
    )
    return Coalesce(Exact(Substr(_text(name), 1, length), written), IsNull(F(name), True))


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
    ((models.BooleanField,), lambda name: ~Q(In(_text(name), ["0", "1"])), _flag),
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
