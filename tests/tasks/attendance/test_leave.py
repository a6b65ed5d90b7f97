"""Leave, absences at the end of the day, and requests that nobody decides."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from schedules.models import Run
from schedules.public import InvalidInput, Refused
from schedules.testing import execute
from tasks.attendance.jobs import calculate_absentees, expire_leave_requests
from tasks.attendance.leave import decide_leave, request_leave
from tasks.attendance.models import Attendance, LeaveRequest, PunchLog, PunchState, Source, Status
from tasks.attendance.services import clock_in
from tasks.people.models import Employee
from tests.tasks.people.staff import hire

pytestmark = pytest.mark.django_db

EIGHT_IN_THE_EVENING = datetime(2030, 5, 6, 13, tzinfo=UTC)
DAY = date(2030, 5, 6)
APPROVED, REJECTED = LeaveRequest.Status.APPROVED, LeaveRequest.Status.REJECTED
WITHDRAWN, EXPIRED = LeaveRequest.Status.WITHDRAWN, LeaveRequest.Status.EXPIRED
NOW = EIGHT_IN_THE_EVENING - timedelta(days=10)


def settle() -> Run:
    return execute(calculate_absentees, scheduled_at=EIGHT_IN_THE_EVENING)


def ask(employee: Employee, first: date = DAY, last: date = DAY) -> LeaveRequest:
    return request_leave(employee, starts_on=first, ends_on=last, now=NOW)


def statuses() -> dict[str, str]:
    return dict(Attendance.objects.filter(date=DAY).values_list("employee__code", "status"))


def test_the_day_is_settled_by_punches_and_leave() -> None:
    came, on_leave, asked, absent, left = hire(5)
    Employee.objects.filter(pk=left.pk).update(is_active=False)
    clock_in(came, EIGHT_IN_THE_EVENING - timedelta(hours=10))
    decide_leave(ask(on_leave), APPROVED, now=NOW)
    ask(asked)

    run = settle()

    assert statuses() == {
        came.code: "present",
        on_leave.code: "on_leave",
        asked.code: "absent",
        absent.code: "absent",
    }
    assert run.summary == "2030-05-06: 2 absent, 1 present, 0 late, 1 on_leave."


def test_who_has_punched_is_not_absent_although_no_sync_has_run_since() -> None:
    came, hired_since, absent = hire(3)
    for code, state in (
        (came.code, PunchState.PENDING),
        (hired_since.code, PunchState.UNKNOWN),
    ):
        PunchLog.objects.create(
            employee_code=code, at=EIGHT_IN_THE_EVENING - timedelta(hours=12), state=state
        )

    run = settle()

    assert statuses() == {
        came.code: "present",
        hired_since.code: "present",
        absent.code: "absent",
    }
    assert run.summary == "2030-05-06: 1 absent, 2 present, 0 late, 0 on_leave."


def test_it_is_worked_out_anew_when_leave_is_decided_or_withdrawn_later() -> None:
    (employee,) = hire(1)
    leave = ask(employee)
    settle()
    before = list(Attendance.objects.values())
    settle()
    assert list(Attendance.objects.values()) == before

    decide_leave(leave, APPROVED, now=EIGHT_IN_THE_EVENING)
    assert statuses() == {employee.code: "on_leave"}
    settle()
    assert statuses() == {employee.code: "on_leave"}

    LeaveRequest.objects.update(status=WITHDRAWN)
    settle()
    assert statuses() == {employee.code: "absent"}


def test_a_day_that_a_person_entered_stays() -> None:
    (employee,) = hire(1)
    Attendance.objects.create(
        employee=employee, date=DAY, status=Status.ON_LEAVE, source=Source.HAND
    )

    settle()

    assert statuses() == {employee.code: "on_leave"}


def test_only_requests_that_waited_longer_than_seven_days_expire() -> None:
    staff = hire(3)
    week = timedelta(days=7)
    old, young, decided = (ask(employee) for employee in staff)
    LeaveRequest.objects.filter(pk=old.pk).update(
        requested_at=EIGHT_IN_THE_EVENING - week - timedelta(seconds=1)
    )
    LeaveRequest.objects.filter(pk=young.pk).update(requested_at=EIGHT_IN_THE_EVENING - week)
    decide_leave(decided, REJECTED, now=NOW)

    first = execute(expire_leave_requests, scheduled_at=EIGHT_IN_THE_EVENING)
    second = execute(expire_leave_requests, scheduled_at=EIGHT_IN_THE_EVENING)

    found = dict(LeaveRequest.objects.values_list("employee__code", "status"))
    assert list(found.values()).count(EXPIRED) == 1
    assert found[staff[0].code] == EXPIRED
    assert first.summary == "1 requests for leave have expired."
    assert second.summary == "0 requests for leave have expired."


def test_leave_that_cannot_be_is_refused_in_one_sentence() -> None:
    (employee,) = hire(1)
    ask(employee, DAY, DAY + timedelta(days=4))

    with pytest.raises(InvalidInput, match="ends_on is '2030-05-05': not before starts_on"):
        ask(employee, DAY, DAY - timedelta(days=1))
    with pytest.raises(InvalidInput, match="ends_on is '2031-05-08': at most a year"):
        ask(employee, DAY, DAY + timedelta(days=367))
    with pytest.raises(InvalidInput, match="outside of 2030-05-06 to 2030-05-10, which is pending"):
        ask(employee, DAY + timedelta(days=4), DAY + timedelta(days=5))


def test_a_decision_is_made_once() -> None:
    (employee,) = hire(1)
    leave = decide_leave(ask(employee), REJECTED, now=NOW)

    with pytest.raises(Refused, match="is rejected, so it cannot become"):
        decide_leave(leave, APPROVED, now=NOW)
    with pytest.raises(InvalidInput, match="approved, rejected or withdrawn"):
        decide_leave(leave, EXPIRED, now=NOW)


def test_the_admin_decides_by_the_dozen(admin_client: Client, admin_user: User) -> None:
    for employee in hire(2):
        Attendance.objects.create(employee=employee, date=DAY)
        ask(employee)
    page = reverse("admin:attendance_leaverequest_changelist")
    chosen = list(LeaveRequest.objects.values_list("pk", flat=True))

    admin_client.post(page, {"action": "approve", "_selected_action": chosen})

    assert set(LeaveRequest.objects.values_list("status", "decided_by")) == {
        (APPROVED, admin_user.pk)
    }
    assert set(statuses().values()) == {"on_leave"}


def test_what_is_entered_in_the_admin_counts_as_a_persons(admin_client: Client) -> None:
    (employee,) = hire(1)
    row = Attendance.objects.create(employee=employee, date=DAY)
    form = {"employee": employee.pk, "date": DAY.isoformat(), "status": "on_leave"}

    admin_client.post(reverse("admin:attendance_attendance_change", args=[row.pk]), form)

    row.refresh_from_db()
    assert (row.status, row.source) == (Status.ON_LEAVE, Source.HAND)


def send(admin: Client, leave: LeaveRequest, **changes: object) -> Any:
    """Send the admin's form of a request."""
    form = {"employee": leave.employee_id, "starts_on": leave.starts_on, "ends_on": leave.ends_on}
    page = reverse("admin:attendance_leaverequest_change", args=[leave.pk])
    return admin.post(page, {**form, "reason": "", **changes})


def test_leave_changed_in_the_admin_takes_its_days_with_it(admin_client: Client) -> None:
    (employee,) = hire(1)
    next_day = DAY + timedelta(days=1)
    leave = decide_leave(ask(employee), APPROVED, now=NOW)
    for day in (DAY, next_day):
        Attendance.objects.create(employee=employee, date=day)
    settle()

    answer = send(admin_client, leave, starts_on=next_day, ends_on=next_day)

    assert answer.status_code == 302, answer.context["errors"]
    kept = dict(Attendance.objects.values_list("date", "status"))
    assert kept == {DAY: Status.ABSENT, next_day: Status.ON_LEAVE}


def test_leave_deleted_in_the_admin_is_absence_again(admin_client: Client) -> None:
    (employee,) = hire(1)
    leave = decide_leave(ask(employee), APPROVED, now=NOW)
    settle()
    assert statuses() == {employee.code: "on_leave"}

    admin_client.post(
        reverse("admin:attendance_leaverequest_delete", args=[leave.pk]), {"post": "yes"}
    )

    assert statuses() == {employee.code: "absent"}


def test_the_admin_refuses_days_that_another_request_has(admin_client: Client) -> None:
    (employee,) = hire(1)
    later = DAY + timedelta(days=7)
    ask(employee)
    other = ask(employee, later, later)

    moved = send(admin_client, other, starts_on=DAY)
    added = admin_client.post(
        reverse("admin:attendance_leaverequest_add"),
        {"employee": employee.pk, "starts_on": DAY, "ends_on": DAY, "reason": ""},
    )

    for answer in (moved, added):
        assert "which is pending" in answer.context["adminform"].form.errors["starts_on"][0]
    assert LeaveRequest.objects.count() == 2


def test_there_is_no_new_leave_for_who_is_not_active() -> None:
    (employee,) = hire(1)
    employee.is_active = False
    employee.save()

    with pytest.raises(Refused, match="is not active"):
        ask(employee)
    assert not LeaveRequest.objects.exists()


def test_what_was_decided_against_stays_as_it_is(admin_client: Client) -> None:
    (employee,) = hire(1)
    leave = decide_leave(ask(employee), REJECTED, now=NOW)

    assert send(admin_client, leave, reason="please").status_code == 403
