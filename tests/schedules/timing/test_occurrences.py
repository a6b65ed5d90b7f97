"""Windows, occurrences of a period, counting, and the least distance."""

from datetime import UTC, datetime, timedelta

import pytest

from schedules.timing import (
    At,
    Cron,
    Every,
    InvalidTimetable,
    Timetable,
    Window,
    count_between,
    occurrences,
    occurrences_between,
    smallest_gap,
)

DAY = timedelta(days=1)
MAY = datetime(2026, 5, 1, tzinfo=UTC)
HOURLY = Every(timedelta(hours=1))
DAILY = Cron("0 5 * * *", tz="Asia/Jakarta")  # 22:00Z


def test_a_window_includes_both_its_ends() -> None:
    window = Window(HOURLY, starts_at=MAY, ends_at=MAY + timedelta(hours=2))

    assert list(occurrences(window, after=MAY - DAY, count=9)) == [
        MAY,
        MAY + timedelta(hours=1),
        MAY + timedelta(hours=2),
    ]


def test_a_window_may_be_open() -> None:
    assert Window(DAILY).next_after(MAY) == DAILY.next_after(MAY)
    assert Window(DAILY, starts_at=MAY + DAY).next_after(MAY) == DAILY.next_after(MAY + DAY)
    assert Window(DAILY, ends_at=MAY).next_after(MAY) is None


def test_a_window_from_the_beginning_of_time() -> None:
    beginning = datetime.min.replace(tzinfo=UTC)

    assert Window(HOURLY, starts_at=beginning).next_after(beginning) == HOURLY.anchor


def test_a_window_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(
        InvalidTimetable, match=r"^ends_at is '2026-04-30.*no earlier than the start"
    ):
        Window(HOURLY, starts_at=MAY, ends_at=MAY - DAY)
    with pytest.raises(InvalidTimetable, match=r"^starts_at is "):
        Window(HOURLY, starts_at=MAY.replace(tzinfo=None))


def test_windows_are_values() -> None:
    assert {Window(HOURLY, starts_at=MAY)} == {Window(Every(timedelta(hours=1)), MAY, None)}


def test_a_period_excludes_its_start_and_includes_its_end() -> None:
    found = list(occurrences_between(HOURLY, after=MAY, until=MAY + timedelta(hours=2)))

    assert found == [MAY + timedelta(hours=1), MAY + timedelta(hours=2)]


def test_occurrences_end_with_the_timetable() -> None:
    assert list(occurrences(At(MAY), after=MAY - DAY, count=5)) == [MAY]
    assert list(occurrences(Cron("0 0 31 2 *"), after=MAY, count=5)) == []
    assert list(occurrences(DAILY, after=MAY, count=0)) == []


def test_nothing_is_computed_before_it_is_asked_for() -> None:
    endless = occurrences(Every(timedelta(seconds=1)), after=MAY, count=10**12)

    assert next(endless) == MAY + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("timetable", "count"),
    [
        (HOURLY, 24 * 10),
        (Every(timedelta(seconds=1)), 864000),
        (DAILY, 10),
        (At(MAY + DAY), 1),
        (At(MAY), 0),
        (Window(HOURLY, starts_at=MAY + DAY), 24 * 9 + 1),
        (Window(HOURLY, starts_at=MAY + DAY, ends_at=MAY + 2 * DAY), 25),
        (Window(DAILY, ends_at=MAY - DAY), 0),
        (Window(DAILY, starts_at=MAY + 20 * DAY), 0),
    ],
)
def test_counting_agrees_with_going_through(timetable: Timetable, count: int) -> None:
    until = MAY + 10 * DAY

    assert count_between(timetable, after=MAY, until=until) == count
    assert count_between(timetable, after=until, until=MAY) == 0
    if count < 1000:
        assert len(list(occurrences_between(timetable, after=MAY, until=until))) == count


@pytest.mark.parametrize(
    ("timetable", "gap"),
    [
        (HOURLY, timedelta(hours=1)),
        (At(MAY), None),
        (Cron("0 0 31 2 *"), None),
        (Cron("* * * * *"), timedelta(minutes=1)),
        (Cron("*/40 * * * *"), timedelta(minutes=20)),
        (Cron("5 * * * *"), timedelta(hours=1)),
        (Cron("0 9,17 * * *"), timedelta(hours=8)),
        (Cron("0,50 9,10 * * *"), timedelta(minutes=10)),
        (Cron("0 0,23 * * *"), timedelta(hours=1)),
        (Cron("30 5 1 * *"), timedelta(days=1)),
        (Window(DAILY, starts_at=MAY), timedelta(days=1)),
    ],
)
def test_smallest_gap(timetable: Timetable, gap: timedelta | None) -> None:
    assert smallest_gap(timetable) == gap
