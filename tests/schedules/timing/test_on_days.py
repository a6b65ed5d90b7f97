"""Timetables by a calendar, against the plain definition: every occurrence, moved or left out."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.errors import InvalidTimetable
from schedules.timing import (
    Cron,
    DayOff,
    Days,
    Every,
    OnDays,
    Timetable,
    from_spec,
    occurrences,
    occurrences_between,
    smallest_gap,
    to_spec,
)
from schedules.timing.zones import clock_change, offsets

DAY = timedelta(days=1)
WEEKEND = Days("office", weekdays=("sat", "sun"))
CHRISTMAS = Days("office", dates=(date(2026, 12, 25),), weekdays=("sat", "sun"))
ZONES = ("UTC", "Asia/Jakarta", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo")


def local(timetable: Timetable, *, after: datetime, count: int, tz: str) -> list[str]:
    found = occurrences(timetable, after=after, count=count)
    return [f"{at.astimezone(ZoneInfo(tz)):%a %d %H:%M}" for at in found]


def test_an_excluded_day_has_no_occurrence() -> None:
    daily = OnDays(Cron("0 9 * * *", tz="Asia/Jakarta"), CHRISTMAS, tz="Asia/Jakarta")

    found = local(daily, after=datetime(2026, 12, 23, tzinfo=UTC), count=4, tz="Asia/Jakarta")

    assert found == ["Wed 23 09:00", "Thu 24 09:00", "Mon 28 09:00", "Tue 29 09:00"]


def test_what_is_due_on_a_day_off_comes_at_the_same_time_of_the_next_business_day() -> None:
    monthly = OnDays(Cron("0 9 25 * *", tz="Asia/Jakarta"), CHRISTMAS, "next_day", "Asia/Jakarta")

    found = local(monthly, after=datetime(2026, 11, 26, tzinfo=UTC), count=2, tz="Asia/Jakarta")

    assert found == ["Mon 28 09:00", "Mon 25 09:00"]


def test_moved_to_a_day_with_an_occurrence_of_its_own_it_is_one() -> None:
    daily = Cron("0 9 * * *")
    start = datetime(2026, 3, 2, tzinfo=UTC)

    assert list(occurrences(OnDays(daily, WEEKEND, "next_day"), after=start, count=30)) == list(
        occurrences(OnDays(daily, WEEKEND, "skip"), after=start, count=30)
    )


def test_a_moved_time_that_does_not_exist_comes_when_the_gap_ends() -> None:
    sunday_is_open = Days("shop", weekdays=("sat",))
    weekly = OnDays(
        Cron("30 2 * * 6", tz="Europe/Berlin"), sunday_is_open, "next_day", "Europe/Berlin"
    )

    (found,) = local(weekly, after=datetime(2026, 3, 28, tzinfo=UTC), count=1, tz="Europe/Berlin")

    assert found == "Sun 29 03:00"


def test_only_the_allowed_dates_are_left() -> None:
    days = Days("stocktaking", dates=(date(2026, 3, 31), date(2026, 6, 30)), only=True)

    found = list(
        occurrences(
            OnDays(Cron("0 9 * * *"), days), after=datetime(2026, 1, 1, tzinfo=UTC), count=5
        )
    )

    assert [at.date().isoformat() for at in found] == ["2026-03-31", "2026-06-30"]


@pytest.mark.parametrize("expression", ["0 0 * * 6", "*/5 * * * 0,6"])
@pytest.mark.parametrize("day_off", ["skip"])
def test_what_the_calendar_leaves_nothing_of_never_fires(expression: str, day_off: DayOff) -> None:
    never = OnDays(Cron(expression), WEEKEND, day_off)

    assert never.next_after(datetime(2026, 1, 1, tzinfo=UTC)) is None


def defined(timetable: OnDays, *, after: datetime, until: datetime) -> list[datetime]:
    """The same by definition: every occurrence is left, moved or dropped, one by one."""
    zone, found = ZoneInfo(timetable.tz), set()
    inner = occurrences_between(timetable.timetable, after=after - 40 * DAY, until=until)
    for at in inner:
        wall = at.astimezone(zone)
        day = wall.date()
        if timetable.days.allows(day):
            found.add(at)
        elif timetable.day_off == "next_day":
            while not timetable.days.allows(day):
                day += DAY
            there = datetime.combine(day, wall.time(), tzinfo=zone)
            before, later = offsets(there)
            is_gap = before < later
            found.add(
                clock_change(zone, wall=there.replace(tzinfo=None))
                if is_gap
                else there.astimezone(UTC)
            )
    return sorted(at for at in found if after < at <= until)


timetables = st.one_of(
    st.builds(
        Cron,
        st.sampled_from(
            (
                "30 2 * * *",
                "0 0,23 * * *",
                "*/30 1-3 * * *",
                "30 1,2 1,15 * *",
                "15 * * * 6,0",
                "0 9 L * *",
            )
        ),
        tz=st.sampled_from(ZONES),
    ),
    st.builds(Every, st.integers(3, 200).map(lambda hours: timedelta(hours=hours))),
)


@settings(max_examples=60, deadline=None)
@given(
    inner=timetables,
    minutes=st.integers(0, 365 * 1440),
    dates=st.sets(st.integers(0, 40), max_size=12),
    weekdays=st.sampled_from(((), ("sat", "sun"), ("fri",))),
    day_off=st.sampled_from(("skip", "next_day")),
    zone=st.sampled_from(ZONES),
)
def test_the_next_one_is_what_the_definition_says(
    inner: Timetable,
    minutes: int,
    dates: set[int],
    weekdays: tuple[str, ...],
    day_off: DayOff,
    zone: str,
) -> None:
    after = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    until = after + 30 * DAY
    days = Days("c", tuple(after.date() + n * DAY for n in dates), weekdays)
    timetable = OnDays(inner, days, day_off, inner.tz if isinstance(inner, Cron) else zone)

    found = list(occurrences_between(timetable, after=after, until=until))

    assert found == defined(timetable, after=after, until=until)
    assert from_spec(to_spec(timetable)) == timetable


def test_a_calendar_says_what_it_takes() -> None:
    for wrong, message in (
        ({"weekdays": ("saturday",)}, "weekdays is 'saturday': of mon, tue"),
        ({"dates": ("2026-13-01",)}, "dates is '2026-13-01': dates such as"),
        ({"only": True}, "dates is 'none': at least one day"),
        ({"weekdays": ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}, "leaves nothing to run"),
        ({"dates": tuple(date(2026, 1, 1) + n * DAY for n in range(2001))}, "at most 2000"),
    ):
        with pytest.raises(InvalidTimetable, match=message.replace("(", r"\(")):
            Days("c", **wrong)


def test_moving_keeps_the_distance_of_the_times_of_a_day() -> None:
    assert smallest_gap(OnDays(Cron("0 9,17 1 * *"), WEEKEND, "next_day")) == timedelta(hours=8)
    assert smallest_gap(OnDays(Every(2 * DAY), WEEKEND, "next_day")) == timedelta(seconds=1)
    assert smallest_gap(OnDays(Every(2 * DAY), WEEKEND)) == 2 * DAY


def test_an_hour_of_minutes_beside_a_clock_change_is_gone_through_in_time() -> None:
    minutely = OnDays(Cron("* * * * *", tz="Europe/Berlin"), WEEKEND, "next_day", "Europe/Berlin")
    begin = datetime.combine(date(2026, 3, 28), time(), tzinfo=UTC)

    found = list(occurrences(minutely, after=begin, count=120))

    assert found[0] == datetime(2026, 3, 29, 22, 0, tzinfo=UTC)
    assert found[-1] - found[0] == timedelta(minutes=119)
