"""The runs of meetings as other code asks for them, and the search for meetings that have none.

Meetings that are written through Django keep their runs by themselves; after raw SQL, a restored
backup or a run that failed, `ensure_scheduled_jobs_for_existing_meetings` puts things right.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tasks.meetings.models import MEETING_ENDS


def schedule_meeting_status_update(meeting_id: int, end_time: datetime) -> None:
    """Park the run that ends the meeting at `end_time`; if one waits already, it is moved.

    Raises InvalidInput for an instant without its UTC offset.
    """
    MEETING_ENDS.park({meeting_id: end_time})


def cancel_meeting_status_update(meeting_id: int) -> None:
    """Cancel the waiting run of the meeting; without one nothing happens."""
    MEETING_ENDS.drop([meeting_id], reason="cancelled by a call")


def get_scheduled_jobs() -> list[dict[str, Any]]:
    """Return the waiting and running runs that end meetings, the next one first.

    Each has `id` (its key), `meeting_id`, `next_run_time` (UTC), `state` and `task_id`.
    """
    fields = ("natural_key", "due_at", "state", "task_id")
    runs = MEETING_ENDS.runs().order_by("due_at", "pk")
    return [
        {
            "id": key,
            "meeting_id": int(key.removeprefix(MEETING_ENDS.prefix)),
            "next_run_time": due_at,
            "state": state,
            "task_id": str(task_id),
        }
        for key, due_at, state, task_id in runs.values_list(*fields)
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
    found = MEETING_ENDS.reconcile(tell=tell)
    return {
        "total_meetings": found.total,
        "jobs_scheduled": found.scheduled,
        "jobs_already_exist": found.already,
        "errors": [{"meeting_id": each["pk"], "error": each["error"]} for each in found.errors],
        "success": found.success,
    }
