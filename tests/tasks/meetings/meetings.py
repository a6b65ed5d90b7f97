"""Meetings to test with. They lie years ahead, so that no run is due while a test runs."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.meetings.models import Meeting
from tasks.meetings.scheduling import get_scheduled_jobs

NOON = datetime(2040, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def unsaved(*, end: datetime = NOON, title: str = "Stand-up", **fields: Any) -> Meeting:
    """A meeting of one hour."""
    return Meeting(title=title, start_time=end - HOUR, end_time=end, **fields)


def make_meeting(**fields: Any) -> Meeting:
    """The same, saved."""
    meeting = unsaved(**fields)
    meeting.save()
    return meeting


def make_meetings(count: int) -> list[Meeting]:
    """Many, saved at once; each ends a minute after the one before."""
    return Meeting.objects.bulk_create(
        [unsaved(end=NOON + n * timedelta(minutes=1), title=f"M{n}") for n in range(count)]
    )


def scheduled() -> dict[int, datetime]:
    """When each meeting will be ended, by the waiting and running runs."""
    jobs = get_scheduled_jobs()
    ends = {job["meeting_id"]: job["next_run_time"] for job in jobs}
    assert len(ends) == len(jobs), "a meeting has two runs"
    return ends
