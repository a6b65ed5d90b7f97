"""The runs of meetings as other code asks for them, and the search for meetings that have none.

Meetings that are written through Django keep their runs by themselves; after raw SQL, a restored
backup or a run that failed, `ensure_scheduled_jobs_for_existing_meetings` puts things right.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import DataError, IntegrityError, InternalError, ProgrammingError, transaction
from django.db.models import CharField, Exists, OuterRef, Value
from django.db.models.functions import Cast, Coalesce, Concat

from schedules.public import pending_runs
from tasks.meetings.models import Meeting
from tasks.meetings.querysets import BATCH, MeetingQuerySet
from tasks.meetings.runs import END_MEETING, drop_ends, park_ends, run_key

log = logging.getLogger(__name__)

ONE_MEETINGS_FAULT = (
    IntegrityError,
    DataError,
    InternalError,
    ProgrammingError,
    ValueError,
    TypeError,
    AttributeError,
)
"""What one corrupted row can raise. A lost database is nobody's fault, and raises on."""


def schedule_meeting_status_update(meeting_id: int, end_time: datetime) -> None:
    """Park the run that ends the meeting at `end_time`; if one waits already, it is moved.

    Raises InvalidInput for an instant without its UTC offset.
    """
    park_ends({meeting_id: end_time})


def cancel_meeting_status_update(meeting_id: int) -> None:
    """Cancel the waiting run of the meeting; without one nothing happens."""
    drop_ends([meeting_id], reason="cancelled by a call")


def get_scheduled_jobs() -> list[dict[str, Any]]:
    """Return the waiting and running runs that end meetings, the next one first.

    Each has `id` (its key), `meeting_id`, `next_run_time` (UTC), `state` and `task_id`.
    """
    prefix = run_key(0).removesuffix("0")
    runs = pending_runs(END_MEETING).filter(natural_key__startswith=prefix)
    fields = ("natural_key", "due_at", "state", "task_id")
    return [
        {
            "id": key,
            "meeting_id": int(key.removeprefix(prefix)),
            "next_run_time": due_at,
            "state": state,
            "task_id": str(task_id),
        }
        for key, due_at, state, task_id in runs.order_by("due_at", "pk").values_list(*fields)
    ]


def ensure_scheduled_jobs_for_existing_meetings(
    *, tell: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """Give every upcoming meeting a run at its end, in short transactions of a thousand.

    `tell`, if given, hears how many of how many have been looked at.

    A run at another instant than the end does not count: it is moved. Returns `total_meetings`,
    `jobs_scheduled`, `jobs_already_exist`, `errors` (a list with one entry for each meeting that
    could not be scheduled) and `success`; the total is the sum of the three. Safe to repeat.
    """
    upcoming = Meeting.objects.upcoming()
    count = upcoming.count()
    unscheduled = list(_without_run(upcoming).order_by("pk").values_list("pk", flat=True))
    scheduled = 0
    errors: list[dict[str, Any]] = []
    for start in range(0, len(unscheduled), BATCH):
        scheduled += _schedule(unscheduled[start : start + BATCH], errors=errors)
        if tell is not None:
            tell(min(start + BATCH, len(unscheduled)), len(unscheduled))
    already = max(count, len(unscheduled)) - scheduled - len(errors)
    return {
        "total_meetings": scheduled + already + len(errors),
        "jobs_scheduled": scheduled,
        "jobs_already_exist": already,
        "errors": errors,
        "success": not errors,
    }


def _without_run(meetings: MeetingQuerySet) -> MeetingQuerySet:
    """Those of the meetings for which no run waits, or is running, for their very end."""
    key = Concat(
        Value(run_key(0).removesuffix("0")),
        Cast(OuterRef("pk"), CharField()),
        output_field=CharField(),
    )
    # Wrapped, so that the search takes no index over instants: thousands of meetings may end in the
    # same second, while a natural key leads to few runs.
    instant = Coalesce("scheduled_at", "due_at")
    theirs = pending_runs(END_MEETING).alias(instant=instant)
    theirs = theirs.filter(natural_key=key, instant=OuterRef("end_time"))
    return meetings.filter(~Exists(theirs))


def _schedule(ids: Sequence[int], *, errors: list[dict[str, Any]]) -> int:
    """Park the runs of these meetings in one transaction; halve the batch to find a bad meeting."""
    try:
        with transaction.atomic():
            rows = Meeting.objects.upcoming().filter(pk__in=ids).order_by("pk")
            # Locked: who moves or calls off one of them now waits, and sets the run right after us.
            ends = dict(rows.select_for_update(no_key=True).values_list("pk", "end_time"))
            park_ends(ends)
    except ONE_MEETINGS_FAULT as error:
        if len(ids) > 1:
            middle = len(ids) // 2
            return sum(_schedule(half, errors=errors) for half in (ids[:middle], ids[middle:]))
        log.exception(
            "meeting not scheduled", extra={"action": "meeting_left_out", "meeting": ids[0]}
        )
        errors.append({"meeting_id": ids[0], "error": f"{type(error).__name__}: {error}"})
        return 0
    return len(ends)
