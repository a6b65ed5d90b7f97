"""Questions about jobs."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache, partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from django.db import connections, models
from django.db.models import Q
from django.db.models.base import ModelState

from schedules.registry.keys import is_number

if TYPE_CHECKING:
    from schedules.models import Job

MANY, REMEMBERED_SECONDS = 10_000, 10.0
"""A number of jobs beyond which their count is remembered, and for how long."""

_counted: dict[str, tuple[float, int]] = {}
"""When they were counted, and how many there were, by database."""

_PLANNED = frozenset(
    {
        "id",
        "key",
        "periodic_task_id",
        "task",
        "args",
        "kwargs",
        "timetable",
        "tzdata_version",
        "version",
        "flagged_reason",
        "has_changes",
        "next_run_at",
        "priority",
        "queue",
        "misfire_grace",
        "coalesce",
        "one_off",
        "jitter",
        "time_limit",
        "soft_time_limit",
        "exclusive",
        "is_enabled",
        "is_active",
        "paused_at",
        "paused_until",
        "paused_by",
        "pause_reason",
    }
)


def _converted(converters: Iterable[Any], column: object, connection: Any, value: Any) -> Any:
    for convert in converters:
        value = convert(value, column, connection)
    return value


class JobQuerySet(models.QuerySet["Job"]):
    """Jobs by what they are ready for."""

    def existing(self) -> "JobQuerySet":
        """Jobs that nobody has deleted."""
        return self.filter(is_active=True)

    def count_existing(self) -> int:
        """Return how many jobs nobody has deleted; of very many, how many there were at most ten
        seconds ago: to count a million takes longer than all else that a page of them needs.
        """
        name = str(connections[self.db].settings_dict["NAME"])
        counted_at, count = _counted.get(name, (0.0, 0))
        if count > MANY and monotonic() - counted_at < REMEMBERED_SECONDS:
            return count
        count = self._count_existing()
        _counted[name] = monotonic(), count
        return count

    def _count_existing(self) -> int:
        # PostgreSQL counts all rows by the entries of their smallest index, and the deleted ones by
        # theirs; for those that exist it would read the table, a thousand bytes a row.
        connection = connections[self.db]
        table = connection.ops.quote_name(self.model._meta.db_table)
        every = f"SELECT COUNT(*) FROM {table}"  # noqa: S608
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT ({every}) - ({every} WHERE NOT is_active)")
            return int(cursor.fetchone()[0])

    def enabled(self) -> "JobQuerySet":
        """Jobs that are to run at all; a paused one is enabled."""
        return self.existing().filter(is_enabled=True)

    def silent(self) -> "JobQuerySet":
        """Enabled jobs that will never run and do not say why: there should be none."""
        return (
            self.enabled()
            .filter(next_run_at__isnull=True, one_off=False, invalid_reason="", flagged_reason="")
            .exclude(dependencies__until__isnull=True, dependencies__isnull=False)
        )

    def due(self, now: datetime) -> "JobQuerySet":
        """Jobs whose next occurrence has come, the longest waiting first."""
        # Not by number as well: each batch would sort all that is due at its instant.
        return self.filter(next_due_at__lte=now).order_by("next_due_at")

    def to_plan(self) -> "list[Job]":
        """Load the rows with what planning reads of them, which is less than half.

        As the ORM would, column by column and not value by value; where the same JSON is in many
        rows they share what it says, which planning only reads.
        """
        fields = [field for field in self.model._meta.concrete_fields if field.attname in _PLANNED]
        names = [field.attname for field in fields]
        compiler = self.values_list(*names).query.get_compiler(self.db)
        sql, parameters = compiler.as_sql()
        connection = connections[self.db]
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            columns: list[Sequence[Any]] = list(zip(*cursor.fetchall(), strict=True))
        if not columns:
            return []
        selected = [field.cached_col for field in fields]
        for place, (converters, column) in compiler.get_converters(selected).items():
            is_json = isinstance(fields[place], models.JSONField)
            convert = partial(_converted, converters, column, connection)
            columns[place] = list(map(cache(convert) if is_json else convert, columns[place]))
        return [self._loaded(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    def _loaded(self, values: Iterable[tuple[str, Any]]) -> "Job":
        """Return what `only` would, which deals with each field of the model for each row."""
        job = self.model.__new__(self.model)
        state = ModelState()
        state.db, state.adding = self.db, False
        job.__dict__.update(values, _state=state)
        return job

    def locked(self) -> "JobQuerySet":
        """The same rows, locked until commit; those another transaction holds are passed over.

        SQLite has one writer, who holds everything already.
        """
        if connections[self.db].features.has_select_for_update_skip_locked:
            return self.select_for_update(skip_locked=True, no_key=True, of=("self",))
        return self

    def named(self, reference: str) -> "JobQuerySet":
        """Jobs whose key, or whose number, is `reference`."""
        if is_number(reference):
            return self.filter(Q(pk=int(reference)) | Q(key=reference))
        return self.filter(key=reference)
