"""A single instant as a timetable."""

from dataclasses import dataclass
from datetime import datetime

from schedules.timing.instants import utc


@dataclass(frozen=True, slots=True)
class At:
    """One occurrence. Raises InvalidTimetable for a naive `instant`; keeps it in UTC."""

    instant: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "instant", utc(self.instant, field="instant"))

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the occurrence if it is strictly later than the aware `instant`, in UTC."""
        return self.instant if self.instant > utc(instant, field="instant") else None
