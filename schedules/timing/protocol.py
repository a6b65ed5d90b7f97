"""What a timetable is: anything that can tell its next occurrence."""

from datetime import datetime
from typing import Protocol


class Timetable(Protocol):
    """A value that says at which instants something is due."""

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the first occurrence strictly later than the aware `instant`, in UTC.

        None when it never fires again. Raises InvalidTimetable for a naive instant.
        """
