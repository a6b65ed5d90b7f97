"""Rows of django-celery-beat's schedule tables: found or made, and ours removed after their use.

A timetable that was edited ten times would otherwise leave ten rows for people to choose from. Rows
that a person has made, and rows that anybody uses, stay.
"""

from collections.abc import Mapping
from typing import Any

from django.db import connection, models
from django.db.models import Exists, OuterRef
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from schedules.models import MadeSchedule

POINTERS: dict[str, type[models.Model]] = {
    "interval_id": IntervalSchedule,
    "crontab_id": CrontabSchedule,
    "clocked_id": ClockedSchedule,
    "solar_id": SolarSchedule,
}
"""Columns of a periodic task, and what they point at."""

_COLUMNS = {model: column for column, model in POINTERS.items()}


def schedule_with(model: type[models.Model], **values: Any) -> Any:
    """Return a row with these values: one that is there, or a new one, noted as made by us."""
    # Not get_or_create: the stock tables hold duplicates, which other clients make.
    found = model._default_manager.filter(**values).first()
    if found is not None:
        return found
    made = model._default_manager.create(**values)
    MadeSchedule.objects.create(kind=_COLUMNS[model], number=made.pk)
    return made


def drop_unused(pointed_at: Mapping[str, int]) -> None:
    """Remove those of the rows, by the column that pointed at them, that we have made and that
    nothing points at any more.
    """
    for column, number in pointed_at.items():
        ours = MadeSchedule.objects.filter(kind=column, number=number)
        model = POINTERS[column]
        if not ours.exists() or _is_used(model, number):
            continue
        # Not `delete`, which would take a periodic task along that points here since a moment ago.
        with connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {model._meta.db_table} WHERE id = %s AND NOT EXISTS"  # noqa: S608
                f" (SELECT 1 FROM {PeriodicTask._meta.db_table} WHERE {column} = %s)",
                [number, number],
            )
        ours.delete()


def _is_used(model: type[models.Model], number: int) -> bool:
    rows = model._default_manager.filter(pk=number)
    for relation in model._meta.related_objects:
        pointing = relation.related_model._default_manager.filter(
            **{relation.field.attname: OuterRef("pk")}
        )
        rows = rows.filter(~Exists(pointing))
    return not rows.exists()
