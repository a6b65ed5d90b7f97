"""A timetable within bounds."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from schedules.errors import InvalidTimetable
from schedules.timing.instants import utc
from schedules.timing.protocol import Timetable

INSTANT = timedelta(microseconds=1)
"""The smallest step of a datetime."""


@dataclass(frozen=True, slots=True)
class Window:
    """The occurrences of `timetable` from `starts_at` to `ends_at`, both included; None: unbounded.

    Raises InvalidTimetable for a naive bound and for an end before the start.
    """

    timetable: Timetable
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def __post_init__(self) -> None:
        for name in ("starts_at", "ends_at"):
            bound = getattr(self, name)
            if bound is not None:
                object.__setattr__(self, name, utc(bound, field=name))
        if self.starts_at and self.ends_at and self.ends_at < self.starts_at:
            accepted = f"write an instant no earlier than the start, {self.starts_at.isoformat()}"
            raise InvalidTimetable("ends_at", self.ends_at.isoformat(), accepted)

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the first occurrence strictly later than the aware `instant`, in UTC."""
        found = self.timetable.next_after(self.not_before_start(instant))
        return found if found is None or self.ends_at is None or found <= self.ends_at else None

    def not_before_start(self, instant: datetime) -> datetime:
        """Return the aware `instant`, or where it is earlier the last one before the start."""
        instant = utc(instant, field="instant")
        if self.starts_at is None or instant >= self.starts_at:
            return instant
        return max(self.starts_at - INSTANT, instant)
