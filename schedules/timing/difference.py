"""Two timetables compared by their occurrences."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What an edit changes. On each day of the zone as many removed and added ones as there are of
    both are taken, in order, for the same ones that moved.
    """

    added: Sequence[datetime]
    removed: Sequence[datetime]
    moved: Sequence[tuple[datetime, datetime]]
    """From when to when."""
    kept: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return not (self.added or self.removed or self.moved)


def difference(before: Iterable[datetime], after: Iterable[datetime], *, tz: str) -> Difference:
    """Compare the occurrences of two timetables over the same spans of time."""
    old, new = set(before), set(after)
    zone = ZoneInfo(tz)
    gone, come = _by_day(old - new, zone), _by_day(new - old, zone)
    added: list[datetime] = []
    removed: list[datetime] = []
    moved: list[tuple[datetime, datetime]] = []
    for day in sorted(gone.keys() | come.keys()):
        from_, to = gone.get(day, []), come.get(day, [])
        both = min(len(from_), len(to))
        moved += zip(from_[:both], to[:both], strict=True)
        removed += from_[both:]
        added += to[both:]
    return Difference(added=added, removed=removed, moved=moved, kept=len(old & new))


def _by_day(instants: Iterable[datetime], zone: ZoneInfo) -> dict[date, list[datetime]]:
    def day_of(instant: datetime) -> date:
        return instant.astimezone(zone).date()

    # In the order of days, which an hour shown twice at midnight is not.
    ordered = sorted(sorted(instants), key=day_of)
    return {day: list(group) for day, group in groupby(ordered, key=day_of)}
