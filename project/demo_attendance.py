"""Demo attendance: punches of the last month and requests for leave, and what comes of them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction

from tasks.attendance.leave import days_of_leave, settle_absences
from tasks.attendance.models import Attendance, Direction, LeaveRequest, PunchLog
from tasks.attendance.services import fill_day
from tasks.attendance.sync import Synced, sync_batch
from tasks.people.models import Employee

DAYS = 30
FRIDAY = 4
GATE = "gate-1"
MADE_BY = UUID(int=0)
PUNCHES_AT_ONCE = 5000


def load_attendance(staff: list[Employee], *, now: datetime) -> str:
    """Load the last thirty days of `staff` without today, whose rows are the morning job's; return
    a line.

    In transactions of a batch each. What is there already stays as it is.
    """
    before = Attendance.objects.count(), PunchLog.objects.count(), LeaveRequest.objects.count()
    days = [now.date() - timedelta(days=ago) for ago in range(DAYS, 0, -1)]
    working_days = [day for day in days if day.weekday() <= FRIDAY]
    _ask_for_leave(staff, now=now)
    _punch(staff, working_days, now=now)
    done = Synced()
    while sync_batch(done, until=now, fence=transaction.atomic):
        pass
    ids = [employee.pk for employee in staff]
    for day in working_days:
        with transaction.atomic():
            fill_day(ids, day=day, made_by=MADE_BY)
            settle_absences(ids, day=day)
    after = Attendance.objects.count(), PunchLog.objects.count(), LeaveRequest.objects.count()
    rows, punches, leave = after
    new = sum(after) - sum(before)
    return f"attendance: {rows} days, {punches} punches, {leave} requests for leave ({new} new)"


def _ask_for_leave(staff: list[Employee], *, now: datetime) -> None:
    """Some were away in the last weeks, some wish to be, and one has waited for long."""
    for employee in staff:
        number = _number(employee)
        if number % 5 == 3:
            _leave(employee, now.date() - timedelta(days=10 + number % 7), "approved", now=now)
        elif number % 7 == 4:
            _leave(employee, now.date() + timedelta(days=7 + number % 7), "pending", now=now)


def _leave(employee: Employee, first: date, status: str, *, now: datetime) -> None:
    if employee.leave_requests.exists():
        return
    LeaveRequest.objects.create(
        employee=employee,
        starts_on=first,
        ends_on=first + timedelta(days=2),
        reason="Family",
        status=status,
        requested_at=now - timedelta(days=1 + _number(employee) % 12),
        decided_at=now if status == LeaveRequest.Status.APPROVED else None,
    )


def _punch(staff: list[Employee], days: list[date], *, now: datetime) -> None:
    ids = [employee.pk for employee in staff]
    leave = days_of_leave(ids, days[0], days[-1]) if days else {}
    batch: list[PunchLog] = []
    for employee in staff:
        there = [day for day in days if day not in leave.get(employee.pk, ())]
        batch += (punch for day in there for punch in _day(employee, day) if punch.at <= now)
        if len(batch) >= PUNCHES_AT_ONCE or employee is staff[-1]:
            PunchLog.objects.bulk_create(batch, ignore_conflicts=True)
            batch = []


def _day(employee: Employee, day: date) -> Iterator[PunchLog]:
    """Yield the two punches of a day: most are punctual, some late, some do not come."""
    number = _number(employee)
    dice = (number * 31 + day.toordinal() * 17) % 20
    if dice == 0 or employee.work_starts_at is None:
        return
    delay = timedelta(minutes=20 + dice) if dice in {2, 3} else timedelta(minutes=dice - 30)
    zone = ZoneInfo(employee.timezone)
    starts = datetime.combine(day, employee.work_starts_at, tzinfo=zone).astimezone(UTC)
    times = ((starts + delay, Direction.IN), (starts + timedelta(hours=8, minutes=dice), "out"))
    for at, direction in times:
        yield PunchLog(employee_code=employee.code, at=at, device=GATE, direction=direction)


def work_starts(number: int) -> time:
    """Return when somebody's work starts: every tenth works at night."""
    return time(22, 0) if number % 10 == 9 else time(9, 0)


def _number(employee: Employee) -> int:
    return int(employee.code[1:])
