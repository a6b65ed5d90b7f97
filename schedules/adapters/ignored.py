"""What a periodic task says and its job does not do, in words: never dropped in silence."""

import json
from collections.abc import Iterator, Mapping

from django_celery_beat.models import PeriodicTask

from schedules.registry.keys import why_no_key

COLUMNS = ("name", "exchange", "routing_key", "headers")
"""Who routes messages chooses what runs; that is the declaration's, and its task's queue."""


def ignored_by(periodic_task_id: int | None) -> list[str]:
    """Return one sentence, without its full stop, for each column that is filled in vain.

    Of headers their names alone, since a value may be a secret. One statement.
    """
    rows = PeriodicTask.objects.filter(pk=periodic_task_id).values(*COLUMNS)
    row = rows.first() if periodic_task_id is not None else None
    return list(_sentences(row)) if row else []


def ignored_in(periodic_task: PeriodicTask) -> list[str]:
    """Return the same of a row that is loaded."""
    return list(_sentences({name: getattr(periodic_task, name) for name in COLUMNS}))


def _sentences(row: Mapping[str, str | None]) -> Iterator[str]:
    name = row["name"] or ""
    if reason := why_no_key(name):
        yield f"its periodic task's name, {name}, is no key, since {reason}"
    for column in ("exchange", "routing_key"):
        if row[column]:
            yield f"{column} of its periodic task is ignored: {row[column]}"
    found = _headers(row["headers"] or "{}")
    if found:
        yield f"headers of its periodic task are ignored: {found}"


def _headers(text: str) -> str:
    try:
        headers = json.loads(text)
    except (ValueError, RecursionError):
        return "they are no JSON"
    return ", ".join(headers) if isinstance(headers, dict) else "they are no JSON object"
