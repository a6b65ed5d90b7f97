"""Intervals and single instants."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schedules.timing import At, Every, InvalidTimetable

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)

instants = st.datetimes(
    datetime(1900, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
intervals = st.timedeltas(timedelta(seconds=1), timedelta(days=4000))


@given(intervals, instants, instants)
def test_occurrences_lie_whole_intervals_after_the_anchor(
    interval: timedelta, anchor: datetime, after: datetime
) -> None:
    found = Every(interval, anchor=anchor).next_after(after)

    assert found is not None
    assert found > after
    assert (found - anchor) % interval == timedelta(0)
    assert found - after <= interval or found == anchor


def test_the_anchor_is_the_first_occurrence() -> None:
    every = Every(timedelta(hours=1), anchor=NOON)

    assert every.next_after(NOON - timedelta(days=9)) == NOON
    assert every.next_after(NOON - MOMENT) == NOON
    assert every.next_after(NOON) == NOON + timedelta(hours=1)


def test_without_an_anchor_intervals_count_from_1970() -> None:
    found = Every(timedelta(minutes=15)).next_after(NOON + timedelta(seconds=1))

    assert found == NOON + timedelta(minutes=15)


def test_beyond_the_calendar_there_is_none() -> None:
    last = datetime.max.replace(tzinfo=UTC)

    assert Every(timedelta(hours=1)).next_after(last) is None
    assert Every(timedelta.max).next_after(NOON) is None


@pytest.mark.parametrize(
    "interval", [timedelta(0), timedelta(seconds=1) - MOMENT, timedelta(days=-1), 60, "60", None]
)
def test_an_interval_under_a_second_is_refused(interval: Any) -> None:
    with pytest.raises(
        InvalidTimetable, match=r"^interval is .*: the shortest interval is 1 second"
    ):
        Every(interval)


def test_naive_instants_are_refused() -> None:
    naive = NOON.replace(tzinfo=None)

    for refused in (
        lambda: Every(timedelta(hours=1), anchor=naive),
        lambda: Every(timedelta(hours=1)).next_after(naive),
        lambda: At(naive),
        lambda: At(NOON).next_after(naive),
    ):
        with pytest.raises(InvalidTimetable, match="with its UTC offset"):
            refused()


@given(intervals, instants, instants, instants)
def test_counting_divides(
    interval: timedelta, anchor: datetime, after: datetime, until: datetime
) -> None:
    every = Every(interval, anchor=anchor)
    assume((until - after) / interval < 50)

    counted, found = 0, every.next_after(after)
    while found is not None and found <= until:
        counted, found = counted + 1, every.next_after(found)

    assert every.count(after=after, until=until) == counted


def test_one_instant_is_due_once() -> None:
    at = At(NOON)

    assert at.next_after(NOON - MOMENT) == NOON
    assert at.next_after(NOON) is None
