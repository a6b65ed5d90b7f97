"""Intervals: anchored and counted in elapsed time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from schedules.errors import InvalidTimetable
from schedules.timing.instants import utc

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LEAST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Every:
    """The occurrences anchor, anchor + interval, anchor + 2 intervals and so on, in elapsed time.

    The anchor is the first. Nothing drifts, since no occurrence is computed from another one or
    from a run. "Every 24 hours" moves on the wall clock with summer time; "every day at 05:00" is a
    `Cron`. Raises InvalidTimetable for an interval under 1 second and for a naive anchor.
    """

    interval: timedelta
    anchor: datetime = EPOCH

    def __post_init__(self) -> None:
        if not isinstance(self.interval, timedelta) or self.interval < LEAST:
            accepted = "the shortest interval is 1 second"
            raise InvalidTimetable("interval", str(self.interval), accepted)
        object.__setattr__(self, "anchor", utc(self.anchor, field="anchor"))

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the first occurrence strictly later than the aware `instant`, in UTC.

        None when it would lie beyond the year 9999.
        """
        instant = utc(instant, field="instant")
        try:
            return self.anchor + self.interval * self._up_to(instant)
        except OverflowError:
            return None

    def count(self, *, after: datetime, until: datetime) -> int:
        """Return how many occurrences are later than `after` and no later than `until`."""
        first, last = utc(after, field="after"), utc(until, field="until")
        return max(0, self._up_to(last) - self._up_to(first))

    def _up_to(self, instant: datetime) -> int:
        return max(0, (instant - self.anchor) // self.interval + 1)
