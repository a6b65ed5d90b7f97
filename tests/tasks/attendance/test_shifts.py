"""Which day a punch belongs to: night shifts, two zones, missing punches, any order."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest

from tasks.attendance.models import Status
from tasks.attendance.shifts import Punch, Shift, shifts_by_day, status_of

JAKARTA = ZoneInfo("Asia/Jakarta")
SYDNEY = ZoneInfo("Australia/Sydney")
MONDAY = date(2030, 5, 6)
TUESDAY = MONDAY + timedelta(days=1)


def at(day: date, wall: str, zone: ZoneInfo = JAKARTA) -> datetime:
    return datetime.combine(day, time.fromisoformat(wall), tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("punches", "expected"),
    [
        pytest.param(
            [(MONDAY, "08:00", "in"), (MONDAY, "12:00", "out"), (MONDAY, "17:00", "out")],
            {MONDAY: ("08:00", MONDAY, "17:00")},
            id="a day: first in, last out",
        ),
        pytest.param(
            [(MONDAY, "22:00", "in"), (TUESDAY, "06:00", "out"), (TUESDAY, "22:00", "in")],
            {MONDAY: ("22:00", TUESDAY, "06:00"), TUESDAY: ("22:00", None, "")},
            id="a night counts for the evening on which it began",
        ),
        pytest.param(
            [(MONDAY, "08:00", "in"), (TUESDAY, "09:00", "out")],
            {MONDAY: ("08:00", None, ""), TUESDAY: ("09:00", None, "")},
            id="25 hours are no shift",
        ),
        pytest.param(
            [(MONDAY, "08:00", "in"), (TUESDAY, "08:00", "out")],
            {MONDAY: ("08:00", TUESDAY, "08:00")},
            id="24 hours are one",
        ),
        pytest.param(
            [(MONDAY, "17:00", ""), (TUESDAY, "01:00", "")],
            {MONDAY: ("17:00", TUESDAY, "01:00")},
            id="without direction the day begins at four",
        ),
        pytest.param(
            [(MONDAY, "17:00", ""), (TUESDAY, "04:00", "")],
            {MONDAY: ("17:00", None, ""), TUESDAY: ("04:00", None, "")},
            id="at four it has begun",
        ),
        pytest.param(
            [(MONDAY, "17:00", "out")],
            {MONDAY: ("17:00", None, "")},
            id="an out alone still says that somebody was there",
        ),
        pytest.param(
            [(MONDAY, "07:00", "out"), (MONDAY, "08:00", "in"), (MONDAY, "08:00", "out")],
            {MONDAY: ("08:00", None, "")},
            id="an out before the in is none of its shift",
        ),
    ],
)
def test_the_days_of_punches_in_any_order(
    punches: list[tuple[date, str, str]], expected: dict[date, tuple[str, date | None, str]]
) -> None:
    rows: list[Punch] = [(at(day, wall), direction) for day, wall, direction in punches]
    wanted = {
        day: Shift(at(day, begin), None if out_on is None else at(out_on, end))
        for day, (begin, out_on, end) in expected.items()
    }

    for order in permutations(rows):
        assert shifts_by_day(order, JAKARTA) == wanted


def test_the_zone_of_the_employee_decides_about_the_day() -> None:
    punches: list[Punch] = [(datetime(2030, 5, 6, 17, 30, tzinfo=UTC), "in")]

    assert set(shifts_by_day(punches, JAKARTA)) == {TUESDAY}
    assert set(shifts_by_day(punches, ZoneInfo("Europe/London"))) == {MONDAY}


def test_a_night_with_a_clock_change_has_its_real_length() -> None:
    saturday = date(2030, 10, 5)  # summer time begins in Sydney on the 6th at two
    punches: list[Punch] = [
        (at(saturday, "22:00", SYDNEY), "in"),
        (at(saturday + timedelta(days=1), "06:00", SYDNEY), "out"),
    ]

    shift = shifts_by_day(punches, SYDNEY)[saturday]

    assert shift.clock_out_at is not None
    assert shift.clock_out_at - shift.clock_in_at == timedelta(hours=7)


@pytest.mark.parametrize(
    ("came", "starts", "on_leave", "status"),
    [
        (None, "09:00", False, Status.ABSENT),
        (None, None, True, Status.ON_LEAVE),
        ("09:15", "09:00", False, Status.PRESENT),
        ("09:16", "09:00", False, Status.LATE),
        ("11:00", None, False, Status.PRESENT),
        ("09:00", "09:00", True, Status.ON_LEAVE),
    ],
)
def test_the_status_of_a_day(
    came: str | None, starts: str | None, on_leave: bool, status: Status
) -> None:
    found = status_of(
        at(MONDAY, came) if came else None,
        work_starts_at=at(MONDAY, starts) if starts else None,
        on_leave=on_leave,
    )

    assert found == status
