"""Changes of the clock, as marks on the occurrences that they touch."""

from datetime import UTC, date, datetime, time, timedelta

from schedules.operations.wording import mark_words
from schedules.timing import (
    ClockMark,
    Cron,
    Days,
    Every,
    OnDays,
    Timetable,
    difference,
    marked,
    next_changes,
    occurrences,
)

BERLIN = "Europe/Berlin"


def marks(timetable: Timetable, *, after: datetime, count: int) -> list[ClockMark | None]:
    found = occurrences(timetable, after=after, count=count)
    return [mark for _, mark in marked(timetable, found, after=after)]


def test_a_time_that_does_not_exist_says_when_it_runs_instead() -> None:
    after = datetime(2026, 3, 27, 12, tzinfo=UTC)

    found = marks(Cron("30 2 * * *", tz=BERLIN), after=after, count=3)

    shifted = ClockMark(kind="shifted", day=date(2026, 3, 29), clock=time(2, 30), until=time(3, 0))
    assert found == [None, shifted, None]


def test_a_time_that_is_shown_twice_says_that_it_runs_once() -> None:
    after = datetime(2026, 10, 23, 12, tzinfo=UTC)

    found = marks(Cron("30 2 * * *", tz=BERLIN), after=after, count=3)

    assert found == [None, ClockMark(kind="once", day=date(2026, 10, 25), clock=time(2, 30)), None]


def test_what_follows_the_clock_runs_both_times_and_not_in_the_gap() -> None:
    hourly = Cron("30 * * * *", tz=BERLIN)
    autumn = marks(hourly, after=datetime(2026, 10, 25, 0, 0, tzinfo=UTC), count=3)
    spring = marks(hourly, after=datetime(2026, 3, 29, 0, 0, tzinfo=UTC), count=3)

    assert [mark and mark.kind for mark in autumn] == ["first", "second", None]
    gap = ClockMark(kind="passed_over", day=date(2026, 3, 29), clock=time(2, 0), until=time(3, 0))
    assert spring == [None, gap, None]


def test_the_marks_of_half_an_hour_and_of_a_day_off() -> None:
    lord_howe = Cron("15 2 * * *", tz="Australia/Lord_Howe")
    (mark,) = marks(lord_howe, after=datetime(2026, 10, 3, 0, tzinfo=UTC), count=1)
    assert mark == ClockMark(
        kind="shifted", day=date(2026, 10, 4), clock=time(2, 15), until=time(2, 30)
    )
    weekend = Days("office", weekdays=("sat",))
    moved = OnDays(Cron("30 2 * * 6,0", tz=BERLIN), weekend, "next_day", BERLIN)
    (mark,) = marks(moved, after=datetime(2026, 3, 27, 12, tzinfo=UTC), count=1)
    assert mark is not None
    assert mark.kind == "shifted"


def test_an_interval_and_a_time_far_from_a_change_have_no_mark() -> None:
    after = datetime(2026, 3, 28, 12, tzinfo=UTC)

    assert marks(Every(timedelta(hours=1)), after=after, count=24) == [None] * 24
    assert marks(Cron("30 4 * * *", tz=BERLIN), after=after, count=4) == [None] * 4
    assert marks(Cron("0 3 * * *", tz=BERLIN), after=after, count=4) == [None] * 4


def test_the_next_changes_of_a_clock() -> None:
    after = datetime(2026, 3, 2, tzinfo=UTC)

    assert next_changes(BERLIN, after=after) == [
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 1, tzinfo=UTC),
    ]
    assert next_changes("Asia/Jakarta", after=after) == []


def test_an_edit_adds_removes_and_moves() -> None:
    first, noon, second = (datetime(2026, 3, day, 12, tzinfo=UTC) for day in (2, 3, 4))
    hour = timedelta(hours=1)

    found = difference([first, noon, second], [first, noon + hour, noon + 2 * hour], tz="UTC")

    assert (found.kept, found.moved) == (1, [(noon, noon + hour)])
    assert (found.added, found.removed) == ([noon + 2 * hour], [second])


def test_what_a_calendar_moves_says_from_where_and_into_which_gap() -> None:
    saturday = Days("fairs", dates=(date(2027, 3, 20), date(2027, 3, 27)))
    moved = OnDays(Cron("30 2 * * 6", tz=BERLIN), saturday, "next_day", BERLIN)

    found = marks(moved, after=datetime(2027, 3, 19, 12, tzinfo=UTC), count=3)

    plain = ClockMark(kind="moved", day=date(2027, 3, 20), clock=time(2, 30))
    assert found[0] == plain
    gap = ClockMark(kind="moved", day=date(2027, 3, 27), clock=time(2, 30), until=time(3, 0))
    assert found[1] == gap
    assert found[2] is None
    assert mark_words(gap) == (
        "moved from 27 March, which the calendar does not allow; 02:30 does not exist here"
    )
