"""Clocking in and out."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from schedules.public import Refused
from schedules.testing import execute
from tasks.attendance.jobs import sync_attendance_logs
from tasks.attendance.models import Attendance, LeaveRequest, PunchLog, Source, Status
from tasks.attendance.services import clock_in, clock_out
from tasks.people.models import Employee
from tests.tasks.people.staff import hire

pytestmark = pytest.mark.django_db

MORNING = datetime(2030, 5, 2, 1, 30, tzinfo=UTC)  # 08:30 in Jakarta
DAY = date(2030, 5, 2)


def test_a_clock_in_turns_absent_into_present() -> None:
    (employee,) = hire(1)
    Attendance.objects.create(employee=employee, date=DAY)

    row = clock_in(employee, MORNING)

    assert (row.status, row.clock_in_at) == (Status.PRESENT, MORNING)
    assert Attendance.objects.count() == 1


def test_a_missing_row_is_made() -> None:
    (employee,) = hire(1)

    row = clock_in(employee, MORNING)

    assert (row.date, row.status, row.made_by) == (DAY, Status.PRESENT, None)


def test_a_later_clock_in_that_comes_second_changes_nothing() -> None:
    (employee,) = hire(1)
    first = clock_in(employee, MORNING)

    second = clock_in(employee, MORNING + timedelta(hours=1))

    assert (second.pk, second.clock_in_at) == (first.pk, MORNING)


def test_an_earlier_clock_in_that_comes_second_counts_at_once_as_the_sync_has_it() -> None:
    (employee,) = hire(1)
    clock_in(employee, MORNING)
    earlier = MORNING - timedelta(hours=1)

    row = clock_in(employee, earlier)
    execute(sync_attendance_logs)

    assert row.clock_in_at == earlier
    assert Attendance.objects.get().clock_in_at == earlier


@pytest.mark.parametrize("row_there", [True, False])
def test_leave_that_was_granted_stays_leave_as_the_sync_has_it(row_there: bool) -> None:
    (employee,) = hire(1)
    LeaveRequest.objects.create(
        employee=employee,
        starts_on=DAY,
        ends_on=DAY,
        status=LeaveRequest.Status.APPROVED,
        requested_at=MORNING,
    )
    if row_there:
        Attendance.objects.create(employee=employee, date=DAY)

    row = clock_in(employee, MORNING)
    execute(sync_attendance_logs, scheduled_at=MORNING)

    assert (row.status, row.clock_in_at) == (Status.ON_LEAVE, MORNING)
    assert Attendance.objects.get().status == row.status


@pytest.mark.parametrize("came_at", [None, MORNING + timedelta(minutes=30)])
def test_clocking_leaves_what_a_person_has_entered_and_keeps_the_punches(
    came_at: datetime | None,
) -> None:
    (employee,) = hire(1)
    Attendance.objects.create(
        employee=employee,
        date=DAY,
        status=Status.ABSENT,
        clock_in_at=came_at,
        source=Source.HAND,
    )
    before = list(Attendance.objects.values())

    came = clock_in(employee, MORNING)
    left = clock_out(employee, MORNING + timedelta(hours=9))

    assert list(Attendance.objects.values()) == before
    assert (came.source, left.pk) == (Source.HAND, came.pk)
    assert PunchLog.objects.count() == 2


def test_the_day_begins_at_midnight_where_the_employee_works() -> None:
    (employee,) = hire(1)

    before = clock_in(employee, datetime(2030, 5, 1, 16, 59, tzinfo=UTC))
    after = clock_in(employee, datetime(2030, 5, 1, 17, 0, tzinfo=UTC))

    assert (before.date, after.date) == (date(2030, 5, 1), DAY)


def test_a_clock_out_ends_the_shift_and_a_later_one_counts() -> None:
    (employee,) = hire(1)
    clock_in(employee, MORNING)

    clock_out(employee, MORNING + timedelta(hours=9))
    clock_out(employee, MORNING + timedelta(hours=8))

    assert Attendance.objects.get().clock_out_at == MORNING + timedelta(hours=9)


def test_a_night_shift_ends_on_the_next_day() -> None:
    (employee,) = hire(1)
    evening = MORNING + timedelta(hours=13, minutes=30)  # 22:00 in Jakarta
    clock_in(employee, evening)

    row = clock_out(employee, evening + timedelta(hours=8))

    assert (row.date, row.clock_out_at) == (DAY, evening + timedelta(hours=8))


def test_a_clock_out_without_a_clock_in_is_refused_in_one_sentence() -> None:
    (employee,) = hire(1)
    clock_in(employee, MORNING)

    with pytest.raises(ValueError, match=r"^at is '2030-05-03T.*24 hours after a clock-in"):
        clock_out(employee, MORNING + timedelta(hours=24))


def test_an_instant_without_offset_is_refused_in_one_sentence() -> None:
    (employee,) = hire(1)

    with pytest.raises(ValueError, match="UTC offset"):
        clock_in(employee, MORNING.replace(tzinfo=None))


@pytest.mark.parametrize("clock", [clock_in, clock_out])
def test_nobody_clocks_for_who_is_not_active(clock: Callable[..., Attendance]) -> None:
    (employee,) = hire(1)
    clock_in(employee, MORNING - timedelta(minutes=30))
    punches = PunchLog.objects.count()
    Employee.objects.update(is_active=False)
    employee.refresh_from_db()

    with pytest.raises(Refused, match="is not active"):
        clock(employee, MORNING)

    assert PunchLog.objects.count() == punches
    assert Attendance.objects.get().clock_out_at is None
