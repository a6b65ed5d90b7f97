"""Events of the sun at a place, computed as Celery's solar schedule computes them (PyEphem)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from math import isfinite
from typing import Any

from schedules.errors import InvalidTimetable
from schedules.timing.instants import utc

DAY = timedelta(days=1)
FIRST_NOON = datetime(2000, 1, 1, 12, tzinfo=UTC)
"""Mean noon at longitude 0, from which days of the sun are counted."""

SEARCH_DAYS = 366
"""What has not happened within a year never happens there: polar day and night end within it."""

LEAST_APART = timedelta(hours=12)
"""The same event at one place on two days. Near the poles it wanders, by less than half a day."""

YEARS = (1000, 3000)
"""Where the sun's position is trusted; beyond, nothing is promised and nothing is found."""

_EVENTS = {  # method of the observer, height of the sun in degrees, of its centre (or else its rim)
    "dawn_astronomical": ("next_rising", "-18", True),
    "dawn_nautical": ("next_rising", "-12", True),
    "dawn_civil": ("next_rising", "-6", True),
    "sunrise": ("next_rising", "-0:34", False),
    "solar_noon": ("next_transit", "0", False),
    "sunset": ("next_setting", "-0:34", False),
    "dusk_civil": ("next_setting", "-6", True),
    "dusk_nautical": ("next_setting", "-12", True),
    "dusk_astronomical": ("next_setting", "-18", True),
}


@dataclass(frozen=True, slots=True)
class Solar:
    """The occurrences of an event such as `sunrise` at a place, in whole seconds.

    Latitude (north) and longitude (east) are in degrees. Raises InvalidTimetable for an unknown
    event and for a place off the globe.
    """

    event: str
    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        if self.event not in _EVENTS:
            raise InvalidTimetable("event", self.event, f"write one of {', '.join(_EVENTS)}")
        for name, most in (("latitude", 90), ("longitude", 180)):
            object.__setattr__(self, name, _degrees(name, getattr(self, name), most))

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the first occurrence strictly later than the aware `instant`, in UTC.

        None when the event does not happen there within a year, as sunrise at the poles.
        """
        instant = utc(instant, field="instant")
        if not YEARS[0] <= instant.year < YEARS[1]:
            return None
        midnight = self._midnight_before(instant)
        for _ in range(SEARCH_DAYS):
            for found in self._between(midnight, midnight + DAY):
                if found > instant:
                    return found
            midnight += DAY
        return None

    def _midnight_before(self, instant: datetime) -> datetime:
        first = FIRST_NOON - DAY / 2 - DAY * (self.longitude / 360)
        return first + (instant - first) // DAY * DAY

    def _between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Return the events of one day of the sun.

        Always searched from the day's own beginning: from another start the result differs in its
        last digits, and an occurrence would be found a second time, a second later.
        """
        # PyEphem computes in C and has no types; where nothing follows the sun it is not loaded.
        ephem: Any = import_module("ephem")
        method, height, by_centre = _EVENTS[self.event]
        observer = ephem.Observer()
        observer.lat, observer.lon = str(self.latitude), str(self.longitude)
        observer.elev, observer.pressure, observer.horizon = 0, 0, height
        options = {"use_center": True} if by_centre else {}
        while start < end:
            when = ephem.Date(start.replace(tzinfo=None))
            try:
                event = getattr(observer, method)(ephem.Sun(), start=when, **options)
            except ephem.CircumpolarError:
                return
            exact = event.datetime().replace(tzinfo=UTC)
            if exact >= end:
                return
            yield (exact + timedelta(seconds=0.5)).replace(microsecond=0)
            # Near the poles the sun grazes its height, and would be found again two minutes later.
            start = exact + LEAST_APART


def _degrees(name: str, found: float, most: int) -> float:
    number = isinstance(found, int | float) and not isinstance(found, bool)
    if not number or not isfinite(found) or abs(found) > most:
        raise InvalidTimetable(name, found, f"write degrees from -{most} to {most}")
    return float(found)
