"""Looking through jobs, open runs and books for rows that SQL has broken, as long as Beat lives.

A part at each call, in statements that take less than a millisecond each: no tick waits for it, and
it costs the same however many rows there are.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from itertools import cycle

from django.db import connection, models

from schedules.adapters.unreadable import Look
from schedules.dispatch.broken import BOOKS, POLICY, open_runs, set_aside
from schedules.models import Job, Run

PART = 100
"""Jobs, and runs, that are looked through at one call."""

AT_ONCE = 25
"""Of them by one statement on SQLite, where sixty columns are looked at: a third of a millisecond.
"""

FEW = 1000
"""So many open runs are counted out by their indexes; among more the next ones are near."""

# Each by its own index. In the order of the numbers, a ledger without an open run is read whole.
_OPEN = """
SELECT id FROM schedules_run WHERE publish_at IS NOT NULL
UNION ALL SELECT id FROM schedules_run WHERE state = 'running' LIMIT %s
"""


class BrokenRows:
    """Looks through the rows, a part of them at each call."""

    def __init__(self) -> None:
        self._after: dict[type[models.Model], int] = {Job: 0, Run: 0}
        self._books = cycle(BOOKS)

    def look_on(self, *, now: datetime) -> int:
        """Set aside what is broken in the next part of the jobs and open runs and in the next book,
        or as much of it as is done at once; return how many.
        """
        jobs = _broken(Job, self._numbers(Job, _jobs_after(self._after[Job])))
        runs = _broken(Run, self._numbers(Run, _open_runs_after(self._after[Run])))
        book = _look(next(self._books)).through_all()
        if not (jobs or runs or book):
            return 0
        broken_runs = open_runs().filter(pk__in=runs)
        return set_aside(Job.objects.filter(pk__in=jobs), broken_runs, now=now).number

    def _numbers(self, model: type[models.Model], numbers: Sequence[int]) -> Sequence[int]:
        self._after[model] = numbers[-1] if len(numbers) == PART else 0
        return numbers


def _broken(model: type[models.Model], numbers: Sequence[int]) -> list[int]:
    most = AT_ONCE if connection.vendor == "sqlite" else PART
    parts = (numbers[start : start + most] for start in range(0, len(numbers), most))
    return [pk for part in parts for pk in _look(model).among(part)]


@cache
def _look(model: type[models.Model]) -> Look:
    return Look(model, also=POLICY if model is Job else [])


def _jobs_after(number: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM schedules_job WHERE id > %s ORDER BY id LIMIT %s", [number, PART]
        )
        return [pk for (pk,) in cursor.fetchall()]


def _open_runs_after(number: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, [FEW + 1])
        numbers = sorted({pk for (pk,) in cursor.fetchall()})
    if len(numbers) <= FEW:
        return [pk for pk in numbers if pk > number][:PART]
    following = open_runs().filter(pk__gt=number).order_by("pk").values_list("pk", flat=True)
    return list(following[:PART])
