"""Requests for leave: asking, and deciding."""

from datetime import date
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Status
from ninja.errors import HttpError
from pydantic import Field

from schedules.public import database_now
from schedules.public.rest import (
    Asked,
    Day,
    Moment,
    Paged,
    PageQuery,
    Reply,
    caller,
    iso,
    needs,
    page_of,
    row_or_404,
)
from tasks.attendance.api.days import EmployeeCode
from tasks.attendance.leave import decide_leave, request_leave
from tasks.attendance.models import LeaveRequest
from tasks.people.accounts import employee_meant, employee_of

router = Router(by_alias=True)

VIEW, ADD = "attendance.view_leaverequest", "attendance.add_leaverequest"
CHANGE, ASK = "attendance.change_leaverequest", "attendance.ask_for_leave"

LeaveId = Annotated[int, Field(ge=1, le=2**63 - 1)]
States = Literal["pending", "approved", "rejected", "withdrawn", "expired"]


class LeaveReply(Reply):
    """Days on which an employee wishes to stay away; both ends are included."""

    id: int
    employee_code: str
    starts_on: date
    ends_on: date
    reason: str
    status: States
    requested_at: Moment
    decided_at: Moment | None
    decided_by: str | None


class LeavePage(Paged):
    """One page of requests, the latest days first."""

    items: list[LeaveReply]


class LeaveQuery(PageQuery):
    """Which requests."""

    employee: Annotated[str, Field(max_length=50)] | None = None
    status: States | None = None


class LeaveAsked(Asked):
    """A wish for leave, for oneself or, where permitted, for somebody else."""

    starts_on: Day
    ends_on: Day = Field(description="The last day of the leave.")
    reason: Annotated[str, Field(max_length=500)] = ""
    employee_code: EmployeeCode | None = Field(None, description="By default oneself.")


class LeaveDecision(Asked):
    """What becomes of a request. Oneself may withdraw; the other two are up to HR."""

    status: Literal["approved", "rejected", "withdrawn"]


@router.get("/leave", auth=needs(VIEW, ASK), response=LeavePage, operation_id="listLeave")
def list_all(request: HttpRequest, query: Query[LeaveQuery]) -> Any:
    """List requests for leave: all of them, or the caller's own."""
    rows = _theirs(request).order_by("-starts_on", "-pk")
    if query.employee is not None:
        rows = rows.filter(employee__code=query.employee.replace("\x00", ""))
    if query.status is not None:
        rows = rows.filter(status=query.status)
    return page_of(rows, query, _shape)


@router.post(
    "/leave", auth=needs(ADD, ASK), response={201: LeaveReply}, operation_id="requestLeave"
)
def ask(request: HttpRequest, response: HttpResponse, data: LeaveAsked) -> Any:
    """Ask for leave. Days that are in another request that stands are refused."""
    leave = request_leave(
        employee_meant(caller(request), data.employee_code, unless=ADD),
        starts_on=data.starts_on,
        ends_on=data.ends_on,
        reason=data.reason,
        now=database_now(),
    )
    response.headers["Location"] = f"{request.path.rstrip('/')}/{leave.pk}"
    return Status(201, _shape(leave))


@router.get(
    "/leave/{int:leave_id}", auth=needs(VIEW, ASK), response=LeaveReply, operation_id="getLeave"
)
def get(request: HttpRequest, leave_id: LeaveId) -> Any:
    """Show a request."""
    return _shape(_leave_or_404(request, leave_id))


@router.post(
    "/leave/{int:leave_id}/decision",
    auth=needs(CHANGE, ASK),
    response=LeaveReply,
    operation_id="decideLeave",
)
def decide(request: HttpRequest, leave_id: LeaveId, data: LeaveDecision) -> Any:
    """Approve, reject or withdraw a request; the attendance of its days follows.

    Answers 409 for one that has been decided; leave that was approved can still be withdrawn.
    """
    user: Any = caller(request)
    leave = _leave_or_404(request, leave_id)
    may_withdraw = data.status == "withdrawn" and leave.employee.user_id == user.pk
    if not (may_withdraw or user.has_perm(CHANGE)):
        raise HttpError(403, "You may withdraw your own request; HR decides about the rest.")
    status = LeaveRequest.Status(data.status)
    return _shape(decide_leave(leave, status, now=database_now(), by=user))


def _theirs(request: HttpRequest) -> Any:
    user: Any = caller(request)
    rows = LeaveRequest.objects.select_related("employee", "decided_by")
    return rows if user.has_perm(VIEW) else rows.filter(employee=employee_of(user))


def _leave_or_404(request: HttpRequest, leave_id: int) -> LeaveRequest:
    leave: LeaveRequest = row_or_404(_theirs(request), leave_id)
    return leave


def _shape(leave: LeaveRequest) -> dict[str, Any]:
    by = leave.decided_by
    return {
        "id": leave.pk,
        "employeeCode": leave.employee.code,
        "startsOn": leave.starts_on,
        "endsOn": leave.ends_on,
        "reason": leave.reason,
        "status": leave.status,
        "requestedAt": iso(leave.requested_at),
        "decidedAt": None if leave.decided_at is None else iso(leave.decided_at),
        "decidedBy": None if by is None else by.get_username(),
    }
