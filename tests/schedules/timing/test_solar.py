"""The sun, as Celery's schedule sees it."""

import time
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import pairwise
from typing import Any

import pytest
from celery.schedules import solar

from schedules.timing import InvalidTimetable, Solar, occurrences, smallest_gap

SPRING = datetime(2026, 3, 1, tzinfo=UTC)
CELERY: Any = solar  # its events and its search are private
EVENTS = sorted(CELERY._all_events)


def celery_next(event: str, latitude: float, longitude: float, after: datetime) -> datetime:
    start = import_module("ephem").Date(after.replace(tzinfo=None))
    found = CELERY(event, latitude, longitude)._next_event(start).datetime()
    return datetime.combine(found.date(), found.time(), tzinfo=UTC)


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize(("latitude", "longitude"), [(-6.2, 106.8), (56.9, 24.1), (-33.9, 151.2)])
def test_celery_knows_the_same_instants(event: str, latitude: float, longitude: float) -> None:
    found = list(occurrences(Solar(event, latitude, longitude), after=SPRING, count=20))

    after = SPRING
    for instant in found:
        assert abs(instant - celery_next(event, latitude, longitude, after)) < timedelta(seconds=1)
        after = instant + timedelta(minutes=1)


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("longitude", [-180, -77.3, 0, 100.5, 180])
def test_an_event_happens_once_a_day_in_whole_seconds(event: str, longitude: float) -> None:
    found = list(occurrences(Solar(event, 40, longitude), after=SPRING, count=100))

    distances = [later - sooner for sooner, later in pairwise(found)]
    assert all(abs(distance - timedelta(days=1)) < timedelta(minutes=10) for distance in distances)
    assert all(instant.microsecond == 0 for instant in found)


@pytest.mark.parametrize("latitude", [66, 70, -75, 85, 88, -89])
@pytest.mark.parametrize("event", ["sunrise", "sunset", "dusk_civil"])
def test_near_the_poles_it_pauses_and_keeps_its_distance(event: str, latitude: float) -> None:
    place = Solar(event, latitude, 25)
    found = list(occurrences(place, after=SPRING, count=60))

    gap = smallest_gap(place)
    assert gap is not None
    assert min(later - sooner for sooner, later in pairwise(found)) >= gap


@pytest.mark.parametrize("latitude", [90, -90])
def test_what_does_not_happen_within_a_year_never_does(latitude: float) -> None:
    started = time.process_time()

    assert Solar("sunrise", latitude, 0).next_after(SPRING) is None
    assert time.process_time() - started < 0.2


def test_far_from_our_time_there_is_none() -> None:
    place = Solar("sunset", 40, 0)

    assert place.next_after(datetime(9999, 12, 31, tzinfo=UTC)) is None
    assert place.next_after(datetime(1, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("event", "latitude", "longitude", "field"),
    [
        ("breakfast", 0, 0, "event"),
        (None, 0, 0, "event"),
        ("sunset", 90.1, 0, "latitude"),
        ("sunset", float("nan"), 0, "latitude"),
        ("sunset", "40", 0, "latitude"),
        ("sunset", True, 0, "latitude"),
        ("sunset", 0, -181, "longitude"),
        ("sunset", 0, float("inf"), "longitude"),
    ],
)
def test_an_unknown_event_or_place_is_refused(
    event: Any, latitude: Any, longitude: Any, field: str
) -> None:
    with pytest.raises(InvalidTimetable, match=rf"^{field} is ") as refusal:
        Solar(event, latitude, longitude)

    assert refusal.value.field == field
