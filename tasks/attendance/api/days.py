"""Days: the list of them, and clocking in and out."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query, Router
from ninja.errors import HttpError
from pydantic import Field

from schedules.public import InvalidInput, database_now
from schedules.public.rest import (
    Asked,
    Day,
    Instant,
    Moment,
    Paged,
    PageQuery,
    Reply,
    caller,
    iso,
    needs,
    page_of,
)
from tasks.attendance.intake import CLOCKS_DIFFER
from tasks.attendance.models import Attendance, Source
from tasks.attendance.services import clock_in, clock_out
from tasks.people.accounts import employee_meant, employee_of
from tasks.people.models import Employee

router = Router(by_alias=True)

VIEW, CHANGE = "attendance.view_attendance", "attendance.change_attendance"
CLOCK_ONESELF = "attendance.clock_oneself"

EmployeeCode = Annotated[str, Field(min_length=1, max_length=50)]
Statuses = Literal["absent", "present", "late", "on_leave"]


class AttendanceReply(Reply):
    """One employee's day; `date` is that of the clocks where the employee works."""

    employee_code: str
    date: date
    status: Statuses
    clock_in_at: Moment | None
    clock_out_at: Moment | None
    entered_by_hand: bool = Field(
        description="true: a person has entered the day, and clocking and punches do not change it."
    )


class AttendancePage(Paged):
    """One page of days, the latest first."""

    items: list[AttendanceReply]


class DayQuery(PageQuery):
    """Which days: from `date_from` to `date_to`, both included."""

    employee: Annotated[str, Field(max_length=50)] | None = None
    date_from: Day | None = None
    date_to: Day | None = None
    status: Statuses | None = None


class Clocking(Asked):
    """Who came or left, and when. Both are for those who may correct the attendance of others."""

    employee_code: EmployeeCode | None = Field(default=None, description="By default oneself.")
    at: Instant | None = Field(default=None, description="By default now.")


@router.get(
    "/days", auth=needs(VIEW, CLOCK_ONESELF), response=AttendancePage, operation_id="listDays"
)
def list_days(request: HttpRequest, query: Query[DayQuery]) -> Any:
    """List days of attendance: all of them, or the caller's own."""
    user: Any = caller(request)
    rows = Attendance.objects.select_related("employee").order_by("-date", "employee_id")
    if not user.has_perm(VIEW):
        rows = rows.filter(employee=employee_of(user))
    if query.employee is not None:
        rows = rows.filter(employee__code=query.employee.replace("\x00", ""))
    if query.date_from is not None:
        rows = rows.filter(date__gte=query.date_from)
    if query.date_to is not None:
        rows = rows.filter(date__lte=query.date_to)
    if query.status is not None:
        rows = rows.filter(status=query.status)
    return page_of(rows, query, _shape)


@router.post(
    "/clock-in",
    auth=needs(CHANGE, CLOCK_ONESELF),
    response=AttendanceReply,
    operation_id="clockIn",
)
def come(request: HttpRequest, data: Clocking | None = None) -> Any:
    """Note that somebody has come: an absent day becomes present, or late. Of several
    clock-ins of the day the earliest counts; a day entered by hand stays, and the reply says so.
    """
    return _shape(clock_in(*_who_and_when(request, data or Clocking())))


@router.post(
    "/clock-out",
    auth=needs(CHANGE, CLOCK_ONESELF),
    response=AttendanceReply,
    operation_id="clockOut",
)
def leave(request: HttpRequest, data: Clocking | None = None) -> Any:
    """Note that somebody has left; it ends the shift that began within the 24 hours before."""
    return _shape(clock_out(*_who_and_when(request, data or Clocking())))


def _who_and_when(request: HttpRequest, data: Clocking) -> tuple[Employee, datetime]:
    """Return the employee and the instant. Raises HttpError for others' without the permission."""
    user: Any = caller(request)
    now = database_now()
    employee = employee_meant(user, data.employee_code, unless=CHANGE)
    if data.at is None:
        return employee, now
    if not user.has_perm(CHANGE):
        raise HttpError(403, "You may clock in and out now only; `at` is for corrections by HR.")
    if data.at > now + CLOCKS_DIFFER:
        raise InvalidInput("at", iso(data.at), f"not in the future (now is {iso(now)})")
    return employee, data.at


def _shape(day: Attendance) -> dict[str, Any]:
    return {
        "employeeCode": day.employee.code,
        "date": day.date,
        "status": day.status,
        "clockInAt": None if day.clock_in_at is None else iso(day.clock_in_at),
        "clockOutAt": None if day.clock_out_at is None else iso(day.clock_out_at),
        "enteredByHand": day.source == Source.HAND,
    }
