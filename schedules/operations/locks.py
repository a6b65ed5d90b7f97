"""Named locks: two changes that would each miss the other's effect wait for each other."""

from datetime import datetime

from schedules.models import Watermark

CALENDARS = "calendars"
"""A job that begins to go by a calendar while that is changed would keep the days of before. Taken
before the lock of any job.
"""


def hold(name: str, *, now: datetime) -> None:
    """Hold the named lock until the caller's transaction ends."""
    Watermark.objects.bulk_create([Watermark(name=name, at=now)], ignore_conflicts=True)
    Watermark.objects.select_for_update().get(name=name)
