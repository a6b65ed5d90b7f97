"""From the wall clock to the instant, through the nights on which Sydney's clocks change."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.games.wall_clock import find_zone, instant_of

SPRING = date(2030, 10, 6)  # 02:00 AEST becomes 03:00 AEDT
AUTUMN = date(2030, 4, 7)  # 03:00 AEDT becomes 02:00 AEST


@pytest.mark.parametrize(
    ("day", "at", "instant"),
    [
        (date(2030, 6, 1), time(19, 30), datetime(2030, 6, 1, 9, 30, tzinfo=UTC)),
        (date(2030, 12, 1), time(19, 30), datetime(2030, 12, 1, 8, 30, tzinfo=UTC)),
        (SPRING, time(1, 59), datetime(2030, 10, 5, 15, 59, tzinfo=UTC)),
        (SPRING, time(2, 0), datetime(2030, 10, 5, 16, 0, tzinfo=UTC)),
        (SPRING, time(2, 30), datetime(2030, 10, 5, 16, 0, tzinfo=UTC)),
        (SPRING, time(2, 59, 59, 999999), datetime(2030, 10, 5, 16, 0, tzinfo=UTC)),
        (SPRING, time(3, 0), datetime(2030, 10, 5, 16, 0, tzinfo=UTC)),
        (SPRING, time(3, 1), datetime(2030, 10, 5, 16, 1, tzinfo=UTC)),
        (SPRING, time(19, 30), datetime(2030, 10, 6, 8, 30, tzinfo=UTC)),
        (AUTUMN, time(1, 59), datetime(2030, 4, 6, 14, 59, tzinfo=UTC)),
        (AUTUMN, time(2, 0), datetime(2030, 4, 6, 15, 0, tzinfo=UTC)),
        (AUTUMN, time(2, 30), datetime(2030, 4, 6, 15, 30, tzinfo=UTC)),
        (AUTUMN, time(2, 30, fold=1), datetime(2030, 4, 6, 15, 30, tzinfo=UTC)),
        (AUTUMN, time(3, 0), datetime(2030, 4, 6, 17, 0, tzinfo=UTC)),
        (AUTUMN, time(19, 30), datetime(2030, 4, 7, 9, 30, tzinfo=UTC)),
    ],
)
def test_sydney(day: date, at: time, instant: datetime) -> None:
    assert instant_of(day, at=at, zone=ZoneInfo("Australia/Sydney")) == instant


@pytest.mark.parametrize(
    ("zone", "day", "at", "instant"),
    [
        ("Australia/Lord_Howe", SPRING, time(2, 15), datetime(2030, 10, 5, 15, 30, tzinfo=UTC)),
        ("Asia/Beirut", date(2030, 3, 31), time(0, 0), datetime(2030, 3, 30, 22, 0, tzinfo=UTC)),
        ("Pacific/Apia", date(2011, 12, 30), time(9), datetime(2011, 12, 30, 10, tzinfo=UTC)),
    ],
    ids=["half an hour", "midnight is missing", "a whole day is missing"],
)
def test_odd_leaps(zone: str, day: date, at: time, instant: datetime) -> None:
    assert instant_of(day, at=at, zone=ZoneInfo(zone)) == instant


@given(
    day=st.dates(min_value=date(2000, 1, 2), max_value=date(2035, 1, 1)),
    at=st.times().map(lambda at: at.replace(microsecond=0)),
    zone=st.sampled_from(["Australia/Sydney", "Europe/Dublin", "America/Nuuk", "Asia/Jakarta"]),
)
def test_the_wall_shows_the_time_or_it_was_leapt_over(day: date, at: time, zone: str) -> None:
    found = instant_of(day, at=at, zone=ZoneInfo(zone)).astimezone(ZoneInfo(zone))

    wanted = datetime.combine(day, at)
    shown = found.replace(tzinfo=None)
    assert shown >= wanted
    if shown != wanted:
        a_second_before = datetime.fromtimestamp(found.timestamp() - 1, tz=ZoneInfo(zone))
        assert a_second_before.replace(tzinfo=None) < wanted


@pytest.mark.parametrize("name", ["Mars/Phobos", "", "../etc/passwd", "Australia"])
def test_a_zone_that_does_not_exist_is_refused_in_one_sentence(name: str) -> None:
    with pytest.raises(ValueError, match=r"^timezone is .*IANA.*Australia/Sydney\.$"):
        find_zone(name)
