"""Leave: asking for it, deciding about it, and what it does to the attendance."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Exists, OuterRef

from schedules.public import InvalidInput, Refused
from tasks.attendance.models import STANDING, Attendance, LeaveRequest, Status
from tasks.attendance.shifts import status_of
from tasks.people.models import Employee

LONGEST_LEAVE = timedelta(days=366)


@transaction.atomic
def request_leave(
    employee: Employee, *, starts_on: date, ends_on: date, reason: str = "", now: datetime
) -> LeaveRequest:
    """Save a request for the days from `starts_on` to `ends_on`, both included, and return it.

    Raises what `check_leave` raises.
    """
    _lock(employee)
    check_leave(employee, starts_on=starts_on, ends_on=ends_on)
    return LeaveRequest.objects.create(
        employee=employee, starts_on=starts_on, ends_on=ends_on, reason=reason, requested_at=now
    )


@transaction.atomic
def change_leave(
    request: LeaveRequest, *, employee: Employee, starts_on: date, ends_on: date, reason: str
) -> LeaveRequest:
    """Change a request that stands, and bring the attendance of its old and new days into line.

    Raises Refused for one that was rejected, withdrawn or has expired, and what `check_leave`
    raises.
    """
    _lock(employee)
    stored = LeaveRequest.objects.select_for_update(no_key=True, of=("self",)).get(pk=request.pk)
    if stored.status not in STANDING:
        raise Refused(f"Request {stored.pk} is {stored.status}, so it stays as it is.")
    check_leave(employee, starts_on=starts_on, ends_on=ends_on, besides=stored)
    before = stored.employee, stored.starts_on, stored.ends_on
    stored.employee, stored.starts_on, stored.ends_on = employee, starts_on, ends_on
    stored.reason = reason
    stored.save(update_fields=["employee", "starts_on", "ends_on", "reason"])
    for who, first, last in (before, (employee, starts_on, ends_on)):
        bring_into_line(who, first, last)
    return stored


@transaction.atomic
def delete_leave(request: LeaveRequest) -> None:
    """Delete a request and bring the attendance of its days into line."""
    employee, first, last = request.employee, request.starts_on, request.ends_on
    request.delete()
    bring_into_line(employee, first, last)


def check_leave(
    employee: Employee, *, starts_on: date, ends_on: date, besides: LeaveRequest | None = None
) -> None:
    """Raise InvalidInput for days in the wrong order, for more than a year, and for days of which
    some are in another request of the employee that stands; `besides` is not looked at. Raise
    Refused for an employee who is not active.
    """
    if not employee.is_active:
        raise Refused(f"{employee} is not active, so there is no leave for this code.")
    if ends_on < starts_on:
        accepted = f"not before starts_on ({starts_on.isoformat()})"
        raise InvalidInput("ends_on", ends_on.isoformat(), accepted)
    if ends_on - starts_on > LONGEST_LEAVE:
        raise InvalidInput("ends_on", ends_on.isoformat(), "at most a year after starts_on")
    others = LeaveRequest.objects.filter(employee=employee).overlapping(starts_on, ends_on)
    other = (others if besides is None else others.exclude(pk=besides.pk)).first()
    if other is not None:
        accepted = f"outside of {other.starts_on} to {other.ends_on}, which is {other.status}"
        raise InvalidInput("starts_on", starts_on.isoformat(), accepted)


def _lock(employee: Employee) -> None:
    """So that of two requests for the same days at the same moment one comes second."""
    Employee.objects.select_for_update(no_key=True).get(pk=employee.pk)


@transaction.atomic
def decide_leave(
    request: LeaveRequest,
    status: LeaveRequest.Status,
    *,
    now: datetime,
    by: AbstractBaseUser | None = None,
) -> LeaveRequest:
    """Approve, reject or withdraw a request and bring the attendance of its days into line.

    Leave that is approved can still be withdrawn. Raises InvalidInput for a status that nobody can
    decide for, and Refused for a request that has been decided.
    """
    states = LeaveRequest.Status
    open_to = [states.PENDING, states.APPROVED] if status == states.WITHDRAWN else [states.PENDING]
    if status in (states.PENDING, states.EXPIRED):
        raise InvalidInput("status", str(status), "approved, rejected or withdrawn")
    # One conditional statement, so that of two simultaneous decisions one counts.
    decided = LeaveRequest.objects.filter(pk=request.pk, status__in=open_to).update(
        status=status, decided_at=now, decided_by_id=getattr(by, "pk", None)
    )
    request.refresh_from_db()
    if not decided:
        raise Refused(f"Request {request.pk} is {request.status}, so it cannot become {status}.")
    bring_into_line(request.employee, request.starts_on, request.ends_on)
    return request


def bring_into_line(employee: Employee, first: date, last: date) -> int:
    """Set the status of the employee's existing days by leave and clock-in; return how many
    changed.

    Days that a person has entered stay.
    """
    leave = days_of_leave([employee.pk], first, last).get(employee.pk, set())
    rows = Attendance.objects.filter(employee=employee, date__range=(first, last))
    changed = []
    for row in rows.by_punches().select_for_update(no_key=True):
        starts_at = employee.work_starts_on(row.date)
        status = status_of(row.clock_in_at, work_starts_at=starts_at, on_leave=row.date in leave)
        if row.status != status:
            row.status = status
            changed.append(row)
    return Attendance.objects.bulk_update(changed, ["status"])


def days_of_leave(employee_ids: Iterable[int], first: date, last: date) -> dict[int, set[date]]:
    """Return the days of approved leave between two dates, both included, by employee."""
    granted = LeaveRequest.objects.approved().filter(
        employee_id__in=list(employee_ids), starts_on__lte=last, ends_on__gte=first
    )
    days: dict[int, set[date]] = defaultdict(set)
    for employee_id, starts_on, ends_on in granted.values_list("employee", "starts_on", "ends_on"):
        begin, end = max(starts_on, first), min(ends_on, last)
        days[employee_id] |= {begin + timedelta(days=n) for n in range((end - begin).days + 1)}
    return days


def settle_absences(employee_ids: list[int], *, day: date) -> int:
    """Tell absent from on leave for these employees' rows of `day` without a clock-in.

    Two statements in the caller's transaction, however many employees; returns how many rows
    changed.
    """
    nobody_came = Attendance.objects.without_clock_in(employee_ids, day=day)
    granted = Exists(
        LeaveRequest.objects.approved().covering(day).filter(employee=OuterRef("employee"))
    )
    away = nobody_came.filter(granted).exclude(status=Status.ON_LEAVE)
    back = nobody_came.filter(~granted).exclude(status=Status.ABSENT)
    return away.update(status=Status.ON_LEAVE) + back.update(status=Status.ABSENT)
