"""How far a pass over what ended has come: one row for each, which one Beat holds at a time."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Min

from schedules.models import Run, Watermark
from schedules.querysets.statements import first_row

SETTLED = timedelta(seconds=5)
"""A run's end is stamped a moment before it commits; younger ends are left to the next pass."""


_UP_TO_DATE = """
SELECT 1 FROM schedules_watermark AS mark
WHERE name = %s AND NOT EXISTS (SELECT 1 FROM schedules_run WHERE finished_at > mark.at)
"""


def is_up_to_date(name: str) -> bool:
    """Whether nothing has ended since the watermark; False where there is none yet.

    One statement and no transaction: on SQLite each takes the one write lock, and a mark that moves
    while nothing happens is a commit every few seconds. Written out: the ORM's way of composing it
    was half of what an idle Beat cost.
    """
    return first_row(connections[DEFAULT_DB_ALIAS], (_UP_TO_DATE, [name])) is not None


def take_watermark(name: str, *, first: Callable[[], datetime]) -> Watermark | None:
    """Return the locked watermark, in the caller's transaction; None while another Beat has it.

    The very first one stands where `first` says. While nothing ends it stays behind, so it is
    returned right before the first end after it, and a pass of limited length has work.
    """
    marks = Watermark.objects.filter(name=name)
    if not marks.exists():
        Watermark.objects.bulk_create([Watermark(name=name, at=first())], ignore_conflicts=True)
    if connections[marks.db].features.has_select_for_update_skip_locked:
        marks = marks.select_for_update(skip_locked=True)
    mark = marks.first()
    if mark is not None:
        ended = Run.objects.filter(finished_at__gt=mark.at).aggregate(first=Min("finished_at"))
        if ended["first"] is not None:
            mark.at = ended["first"] - timedelta(microseconds=1)
    return mark
