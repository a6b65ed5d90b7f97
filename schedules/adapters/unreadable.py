"""Rows of django-celery-beat's tables that cannot be loaded as objects.

SQLite's columns take whatever SQL puts into them, and a zone is text in every database. Django
fails while it loads such a row, and with it fails every other row of the same query. So whoever
loads many of them looks here first, and whoever loads one gets words.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from operator import or_

from django.db import connections, models
from django.db.models import F, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, Substr
from django.db.models.lookups import Exact, In, IsNull
from django.utils.dateparse import parse_datetime
from django_celery_beat.models import PeriodicTask
from timezone_field import TimeZoneField

from schedules.errors import InvalidInput
from schedules.timing.zones import zone_named

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
    columns = list(_columns(model))
    if not columns:
        return {}
    rows = model._default_manager.order_by("pk")
    if pks is not None:
        rows = rows.filter(pk__in=pks)
    rows = rows.filter(reduce(or_, (column.look_suspicious for column in columns)))
    # As text, which every value can be loaded as.
    texts = {f"{column.name}_text": _text(column.name) for column in columns}
    found: dict[int, list[InvalidInput]] = {}
    for pk, *values in rows.annotate(**texts).values_list("pk", *texts):
        for column, text in zip(columns, values, strict=True):
            accepted = None if text is None else column.check(text)
            if accepted is not None:
                found.setdefault(pk, []).append(InvalidInput(column.name, text, accepted))
    return found


def unreadable_tasks() -> dict[int, list[InvalidInput]]:
    """Return what is wrong with periodic tasks, or with the schedules they point at."""
    found = unreadable(PeriodicTask)
    for field in PeriodicTask._meta.concrete_fields:
        if not isinstance(field, models.ForeignKey):
            continue
        for schedule, errors in unreadable(field.related_model).items():
            accepted = f"a row that can be read, and in that one {errors[0]}".rstrip(".")
            tasks = PeriodicTask.objects.filter(**{field.attname: schedule})
            for pk in tasks.values_list("pk", flat=True):
                found.setdefault(pk, []).append(InvalidInput(field.name, schedule, accepted))
    return found


def refuse_unreadable(model: type[models.Model], pk: int) -> None:
    """Raise InvalidInput for the first thing that keeps the row from being loaded."""
    for errors in unreadable(model, [pk]).values():
        raise errors[0]


def _columns(model: type[models.Model]) -> Iterator[Column]:
    typeless = connections[model._default_manager.db].vendor == "sqlite"
    for field in model._meta.concrete_fields:
        name = field.attname
        if isinstance(field, TimeZoneField):
            zones = model._default_manager.order_by().values_list(_text(name), flat=True).distinct()
            broken = [zone for zone in zones if zone is not None and _zone(zone)]
            if broken:
                yield Column(name, Q(In(_text(name), broken)), _zone)
        elif typeless and isinstance(field, models.DateTimeField):
            yield Column(name, ~Q(_is_as_django_writes_it(name)), _instant)
        elif typeless and isinstance(field, models.DecimalField):
            yield Column(name, ~Q(_is_stored_as(name, "integer", "real")), _number)
        elif typeless and isinstance(field, models.BooleanField):
            yield Column(name, ~Q(In(_text(name), ["0", "1"])), _flag)
        elif typeless and isinstance(field, models.IntegerField | models.ForeignKey):
            yield Column(name, ~Q(_is_stored_as(name, "integer")), _whole_number)


def _text(name: str) -> Cast:
    return Cast(name, models.CharField())


def _is_stored_as(name: str, *types: str) -> Combinable:
    """Whether SQLite holds the value as one of its `types`, or as NULL."""
    held = models.Func(F(name), function="typeof", output_field=models.CharField())
    return In(held, [*types, "null"])


def _is_as_django_writes_it(name: str) -> Combinable:
    """Whether SQLite, asked to write the instant anew, writes what is there; true for NULL."""
    # With a modifier it reckons: 30 February becomes 2 March, which is not what is there.
    written = models.Func(
        Value("%Y-%m-%d %H:%M:%S"),
        _text(name),
        Value("+0 days"),
        function="strftime",
        output_field=models.CharField(),
    )
    return Coalesce(Exact(Substr(_text(name), 1, 19), written), IsNull(F(name), True))


def _zone(text: str) -> str | None:
    try:
        zone_named(text)
    except InvalidInput as error:
        return error.accepted
    return None


def _instant(text: str) -> str | None:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    return None if moment else "a date and a time, such as 2026-03-29 05:00:00"


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
