"""Every morning a row for everyone: on the right day, counted exactly, however often it is run."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django_celery_results.models import TaskResult

from schedules.models import Run
from schedules.testing import execute, execute_run
from tasks.attendance import jobs
from tasks.attendance.jobs import auto_create_daily_attendance
from tasks.attendance.models import Attendance, LeaveRequest, Status
from tasks.attendance.services import clock_in
from tasks.people.directory import Page, Unknown
from tasks.people.models import Employee
from tests.tasks.people.staff import hire
from tests.tasks.statements import statements

pytestmark = pytest.mark.django_db

HALF_PAST_MIDNIGHT = datetime(2030, 5, 1, 17, 30, tzinfo=UTC)  # 00:30 on 2 May in Jakarta
DAY = date(2030, 5, 2)


def fill(scheduled_at: datetime = HALF_PAST_MIDNIGHT) -> Run:
    return execute(auto_create_daily_attendance, scheduled_at=scheduled_at)


def counts(run: Run) -> dict[str, Any]:
    numbers = run.summary.partition(". ")[2].split(", ")
    return {name.lower(): int(number) for name, number in (pair.split(": ") for pair in numbers)}


def refuse(employee: Employee) -> None:
    """Let the database refuse every row of one employee."""
    message = "this employee is refused"
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "CREATE TRIGGER refuse BEFORE INSERT ON attendance_attendance"
                f" WHEN NEW.employee_id = {employee.pk}"
                f" BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )
        else:
            cursor.execute(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
                f" $$ BEGIN RAISE EXCEPTION '{message}'; END $$"
            )
            cursor.execute(
                "CREATE TRIGGER refuse BEFORE INSERT ON attendance_attendance FOR EACH ROW"
                f" WHEN (NEW.employee_id = {employee.pk}) EXECUTE FUNCTION refuse()"
            )


@pytest.mark.parametrize(
    ("scheduled_at", "day"),
    [
        (HALF_PAST_MIDNIGHT, DAY),
        (datetime(2030, 5, 1, 16, 59, 59, tzinfo=UTC), date(2030, 5, 1)),
        (datetime(2030, 5, 1, 17, 0, tzinfo=UTC), DAY),
        (datetime(2029, 12, 31, 17, 30, tzinfo=UTC), date(2030, 1, 1)),
    ],
)
def test_the_day_is_that_of_the_nominal_time_in_jakarta(scheduled_at: datetime, day: date) -> None:
    hire(2)

    fill(scheduled_at)

    assert {row.date for row in Attendance.objects.all()} == {day}
    assert {row.status for row in Attendance.objects.all()} == {Status.ABSENT}


def test_the_result_says_what_was_done() -> None:
    came_early, _, left, _ = hire(4)
    Employee.objects.filter(pk=left.pk).update(is_active=False)
    clock_in(came_early, HALF_PAST_MIDNIGHT - timedelta(minutes=10))

    run = fill()

    assert run.state == "succeeded"
    assert run.summary == (
        "Auto-create attendance selesai. Total: 3, Created: 2, Skipped: 1, Errors: 0"
    )
    stored = TaskResult.objects.get(task_id=str(run.task_id)).result
    assert '"date": "2030-05-02"' in str(stored)
    assert '"total_employees": 3' in str(stored)
    assert Attendance.objects.get(employee=came_early).status == Status.PRESENT


def test_who_has_approved_leave_on_the_day_is_on_leave_from_the_morning() -> None:
    away, asked, back, _ = hire(4)
    for employee, status, days in (
        (away, LeaveRequest.Status.APPROVED, (DAY, DAY)),
        (asked, LeaveRequest.Status.PENDING, (DAY, DAY)),
        (back, LeaveRequest.Status.APPROVED, (DAY - timedelta(days=3), DAY - timedelta(days=1))),
    ):
        LeaveRequest.objects.create(
            employee=employee,
            starts_on=days[0],
            ends_on=days[1],
            status=status,
            requested_at=HALF_PAST_MIDNIGHT,
        )

    run = fill()

    assert counts(run) == {"total": 4, "created": 4, "skipped": 0, "errors": 0}
    assert Attendance.objects.get(status=Status.ON_LEAVE).employee == away
    assert Attendance.objects.filter(status=Status.ABSENT).count() == 3


def test_a_second_run_changes_nothing() -> None:
    hire(3)
    fill()
    before = list(Attendance.objects.values())

    again = fill()

    assert counts(again) == {"total": 3, "created": 0, "skipped": 3, "errors": 0}
    assert list(Attendance.objects.values()) == before


def test_a_run_that_is_tried_again_counts_all_of_its_own_rows() -> None:
    staff = hire(3)
    run = fill()
    Attendance.objects.filter(employee=staff[0]).delete()
    Run.objects.filter(pk=run.pk).update(state="sent", finished_at=None, publish_at=run.due_at)

    assert counts(execute_run(run))["created"] == 3


def test_without_employees_it_succeeds() -> None:
    assert counts(fill()) == {"total": 0, "created": 0, "skipped": 0, "errors": 0}


def test_one_refused_employee_costs_nobody_else_a_row() -> None:
    staff = hire(7)
    refuse(staff[4])

    run = fill()

    assert run.state == "failed"
    assert counts(run) == {"total": 7, "created": 6, "skipped": 0, "errors": 1}
    missing = Employee.objects.exclude(attendances__date=DAY)
    assert list(missing) == [staff[4]]


@pytest.mark.django_db(transaction=True)
def test_people_without_a_row_here_are_counted_as_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    here, gone = hire(2)
    page = Page(employee_ids=[here.pk, gone.pk], unknown=[Unknown("X1", "no"), Unknown("X2", "no")])
    gone.delete()
    monkeypatch.setattr(jobs, "pages_of_active_employees", lambda: iter([page]))

    run = fill()

    assert run.state == "failed"
    assert counts(run) == {"total": 4, "created": 1, "skipped": 0, "errors": 3}
    assert Attendance.objects.get().employee == here


@pytest.mark.django_db(transaction=True)
def test_pages_of_a_thousand_are_all_filled() -> None:
    hire(2001)

    run = fill()

    assert counts(run) == {"total": 2001, "created": 2001, "skipped": 0, "errors": 0}
    assert run.progress == {"done": 2001, "total": 2001}


def test_a_page_costs_the_same_number_of_statements_whatever_its_size() -> None:
    hire(10)
    few = statements(fill)
    hire(90)
    many = statements(lambda: fill(HALF_PAST_MIDNIGHT + timedelta(days=1)))

    assert few == many
