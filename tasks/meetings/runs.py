"""The one-off runs that end meetings, by the meeting's number. Knows nothing of the table."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from schedules.public import Call, Parked, cancel, park, subject

END_MEETING = "meetings.end_meeting"
"""The task, by its Celery name: its module needs the table, and the table keeps its runs here."""


def run_key(meeting_id: int) -> str:
    """Return the natural key of the run that ends the meeting: "meetings.end_meeting:17"."""
    return subject(END_MEETING, meeting_id)


def park_ends(ends: Mapping[int, datetime]) -> Parked:
    """See to it that each of these meetings has exactly one waiting run, due at its end.

    `ends` maps meeting numbers to aware instants. In the caller's transaction, a constant number of
    statements for each thousand. Raises InvalidInput for an instant without its UTC offset.
    """
    calls = [Call(key=run_key(pk), at=end, args=(pk,)) for pk, end in ends.items()]
    return park(END_MEETING, calls)


def drop_ends(meeting_ids: Iterable[int], *, reason: str) -> int:
    """Cancel the waiting runs of these meetings, by the thousand; return how many there were."""
    return cancel([run_key(pk) for pk in meeting_ids], reason=reason)
