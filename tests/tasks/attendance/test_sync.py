"""Punches become attendance: in any order, once, and each day from all of its punches."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django_celery_results.models import TaskResult

from schedules.models import Run
from schedules.testing import execute
from tasks.attendance.jobs import sync_attendance_logs
from tasks.attendance.models import Attendance, LeaveRequest, PunchLog, Source, Status
from tasks.attendance.services import clock_in, clock_out
from tasks.people.models import Employee
from tests.tasks.people.staff import hire
from tests.tasks.statements import statements

pytestmark = pytest.mark.django_db

NOW = datetime(2030, 5, 8, 12, tzinfo=UTC)
DAY = date(2030, 5, 6)
MORNING = datetime(2030, 5, 6, 1, tzinfo=UTC)  # 08:00 in Jakarta
EVENING = datetime(2030, 5, 6, 15, tzinfo=UTC)  # 22:00


def punch(code: str, at: datetime, direction: str = "", device: str = "door") -> None:
    PunchLog.objects.create(employee_code=code, at=at, direction=direction, device=device)


def sync() -> Run:
    return execute(sync_attendance_logs, scheduled_at=NOW)


def times() -> dict[date, tuple[Any, ...]]:
    rows = Attendance.objects.order_by("date")
    return {row.date: (row.status, row.clock_in_at, row.clock_out_at) for row in rows}


def test_first_in_last_out() -> None:
    hire(1)
    for hours, direction in ((0, "in"), (4, "out"), (5, "in"), (9, "out")):
        punch("T00001", MORNING + timedelta(hours=hours), direction)

    run = sync()

    assert run.state == "succeeded"
    assert times() == {DAY: (Status.PRESENT, MORNING, MORNING + timedelta(hours=9))}
    assert run.summary == "4 punches: 1 days created, 0 changed; 0 with an unknown code."


def test_a_second_run_changes_nothing() -> None:
    hire(1)
    punch("T00001", MORNING, "in")
    sync()
    before = list(Attendance.objects.values()), list(PunchLog.objects.values())

    again = sync()

    assert again.summary.startswith("0 punches: 0 days created, 0 changed")
    assert (list(Attendance.objects.values()), list(PunchLog.objects.values())) == before


def test_a_late_punch_corrects_the_day_and_gives_back_what_was_wrong() -> None:
    hire(1)
    home = EVENING + timedelta(hours=8)
    punch("T00001", home, "out")
    sync()
    assert list(times()) == [DAY + timedelta(days=1)]

    punch("T00001", EVENING, "in")
    run = sync()

    assert times() == {
        DAY: (Status.PRESENT, EVENING, home),
        DAY + timedelta(days=1): (Status.ABSENT, None, None),
    }
    assert run.summary.startswith("1 punches: 1 days created, 1 changed")


def test_an_unknown_code_is_kept_reported_and_counted_once_somebody_has_it() -> None:
    punch("X1", MORNING, "in")
    punch("X1", MORNING + timedelta(hours=9), "out")

    first = sync()
    Employee.objects.create(code="X1", name="Newly Entered")
    second = sync()

    stored = TaskResult.objects.get(task_id=str(first.task_id)).result
    assert '"unknown": {"X1": 2}' in str(stored)
    assert '"unknown_kept": 2' in str(stored)
    assert second.summary.startswith("2 punches: 1 days created")
    assert times() == {DAY: (Status.PRESENT, MORNING, MORNING + timedelta(hours=9))}


def test_one_broken_employee_costs_nobody_else_a_day() -> None:
    broken, _ = hire(2)
    Employee.objects.filter(pk=broken.pk).update(timezone="Mars/Olympus")
    punch("T00001", MORNING, "in")
    punch("T00002", MORNING, "in")

    failed = sync()
    Employee.objects.filter(pk=broken.pk).update(timezone="Asia/Jakarta")
    mended = sync()

    assert failed.state == "failed"
    assert failed.summary == (
        "1 punches: 1 days created, 0 changed; 0 with an unknown code. 1 employees left out:"
        " Employee T00001 has a time zone that does not exist."
    )
    assert mended.summary.startswith("1 punches: 1 days created")


def test_a_punch_in_the_future_waits_until_then() -> None:
    hire(1)
    punch("T00001", NOW + timedelta(hours=1), "in")

    assert sync().summary.startswith("0 punches")

    assert execute(sync_attendance_logs, scheduled_at=NOW + timedelta(hours=1)).summary.startswith(
        "1 punches: 1 days created"
    )


def test_two_zones_have_their_own_days() -> None:
    jakarta, london = hire(2)
    Employee.objects.filter(pk=london.pk).update(timezone="Europe/London")
    at = datetime(2030, 5, 6, 17, 30, tzinfo=UTC)
    punch(jakarta.code, at, "in")
    punch(london.code, at, "in")

    sync()

    assert Attendance.objects.get(employee=jakarta).date == DAY + timedelta(days=1)
    assert Attendance.objects.get(employee=london).date == DAY


def test_who_comes_well_after_the_start_of_work_is_late() -> None:
    punctual, late = hire(2)
    Employee.objects.update(work_starts_at="08:00")
    punch(punctual.code, MORNING + timedelta(minutes=15), "in")
    punch(late.code, MORNING + timedelta(minutes=16), "in")

    sync()

    assert Attendance.objects.get(employee=punctual).status == Status.PRESENT
    assert Attendance.objects.get(employee=late).status == Status.LATE


def test_what_a_person_has_entered_stays() -> None:
    (employee,) = hire(1)
    Attendance.objects.create(employee=employee, date=DAY, status=Status.ABSENT, source=Source.HAND)
    punch(employee.code, MORNING, "in")

    sync()

    assert times() == {DAY: (Status.ABSENT, None, None)}


def test_leave_that_was_granted_stays_leave() -> None:
    (employee,) = hire(1)
    LeaveRequest.objects.create(
        employee=employee,
        starts_on=DAY,
        ends_on=DAY,
        status=LeaveRequest.Status.APPROVED,
        requested_at=MORNING,
    )
    punch(employee.code, MORNING, "in")

    sync()

    assert times() == {DAY: (Status.ON_LEAVE, MORNING, None)}


def test_clocking_here_and_the_sync_come_to_the_same_row() -> None:
    (employee,) = hire(1)
    clock_in(employee, EVENING)
    clock_out(employee, EVENING + timedelta(hours=8))
    before = times()

    run = sync()

    assert run.summary.startswith("2 punches: 0 days created, 0 changed")
    assert times() == before


@pytest.mark.django_db(transaction=True)
def test_a_backlog_is_counted_in_batches_of_constant_statements() -> None:
    staff = hire(60)
    PunchLog.objects.bulk_create(
        PunchLog(employee_code=e.code, at=MORNING + timedelta(days=day, hours=h), direction=way)
        for e in staff
        for day in range(-40, 1)
        for h, way in ((0, "in"), (9, "out"))
    )

    run = sync()

    assert run.summary == "4920 punches: 2460 days created, 0 changed; 0 with an unknown code."
    assert run.progress == {"done": 4920, "total": 4920}


def test_many_punches_cost_the_same_statements_as_few() -> None:
    staff = hire(50)
    punch(staff[0].code, MORNING, "in")
    few = statements(sync)
    for employee in staff:
        punch(employee.code, MORNING + timedelta(hours=1), "in")
        punch(employee.code, MORNING + timedelta(hours=9), "out")
    many = statements(sync)

    assert few == many
