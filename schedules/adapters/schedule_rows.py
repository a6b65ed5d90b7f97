"""Rows of django-celery-beat's schedule tables: found or made, and ours removed after their use.

A timetable that was edited ten times would otherwise leave ten rows for people to choose from. Rows
that a person has made, and rows that anybody uses, stay. They are removed at night, not by the edit
that is the last to use them: whoever picks one in that very moment would be refused at commit.
"""

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
    if found is not None and _is_kept(model, found.pk):
        return found
    made = model._default_manager.create(**values)
    # The mark may be there: that of a row which a person has deleted, and whose number came again.
    mark = MadeSchedule(kind=_COLUMNS[model], number=made.pk)
    MadeSchedule.objects.bulk_create([mark], ignore_conflicts=True)
    return made


def _is_kept(model: type[models.Model], number: int) -> bool:
    """Keep the row until commit; False where it is gone by now. SQLite has one writer anyway."""
    if not connection.features.has_select_for_update_skip_locked:
        return True
    with connection.cursor() as cursor:
        # The foreign key is checked at commit only. Not `select_for_update`: edits that pick the
        # same row would wait for one another.
        cursor.execute(
            f"SELECT 1 FROM {model._meta.db_table} WHERE id = %s FOR KEY SHARE",  # noqa: S608
            [number],
        )
        return cursor.fetchone() is not None


def remove_unused(model: type[models.Model]) -> None:
    """Remove the table's rows that we have made and that nothing points at, and marks without a
    row. To be called in a transaction, which may fail with IntegrityError when it commits: another
    client has picked one of the rows meanwhile.
    """
    marks = MadeSchedule.objects.filter(kind=_COLUMNS[model])
    rows = _unused(model).filter(pk__in=marks.values("number"))
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(skip_locked=True, of=("self",))
    numbers = list(rows.values_list("pk", flat=True))
    # Not `delete`, which would take a periodic task along that points here since a moment ago.
    with connection.cursor() as cursor:
        cursor.executemany(
            f"DELETE FROM {model._meta.db_table} WHERE id = %s AND NOT EXISTS"  # noqa: S608
            f" (SELECT 1 FROM {PeriodicTask._meta.db_table} WHERE {_COLUMNS[model]} = %s)",
            [(number, number) for number in numbers],
        )
    marks.filter(~Exists(model._default_manager.filter(pk=OuterRef("number")))).delete()


def _unused(model: type[models.Model]) -> models.QuerySet[Any]:
    rows = model._default_manager.all()
    for relation in model._meta.related_objects:
        pointing = relation.related_model._default_manager.filter(
            **{relation.field.attname: OuterRef("pk")}
        )
        rows = rows.filter(~Exists(pointing))
    return rows
