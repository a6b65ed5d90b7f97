"""Clocking in and out, and filling a day with rows.

Both clockings leave a punch too, so that the sync, which works a day out from its punches, comes to
the same row.
"""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from schedules.public import InvalidInput, Refused
from tasks.attendance.leave import days_of_leave
from tasks.attendance.models import Attendance, Direction, PunchLog, Source
from tasks.attendance.shifts import LONGEST_SHIFT, status_of
from tasks.people.models import Employee

CLOCK = "clock"
"""The device of punches that were made here and not at a door."""


@transaction.atomic
def clock_in(employee: Employee, at: datetime) -> Attendance:
    """Note that the employee came at the aware instant `at`; return that day's row.

    The day is the one in the employee's own time zone. Its row, made where it is missing, becomes
    what the sync makes of it: on leave where leave was approved, else present, or late. Of
    several clock-ins of the day the earliest counts, and none changes a row that a person has
    entered: the punch is kept. Raises Refused for an employee who is not active, and InvalidInput
    for an instant without its UTC offset.
    """
    _check(employee, at)
    _punch(employee, at, Direction.IN)
    day = employee.local_day(at)
    row, _ = Attendance.objects.get_or_create(employee=employee, date=day)
    on_leave = bool(days_of_leave([employee.pk], day, day))
    came = status_of(at, work_starts_at=employee.work_starts_on(day), on_leave=on_leave)
    # One conditional statement, so that of two simultaneous clock-ins the earlier counts.
    is_first_or_earlier = Q(clock_in_at__isnull=True) | Q(clock_in_at__gt=at)
    open_row = Attendance.objects.by_punches().filter(is_first_or_earlier, pk=row.pk)
    open_row.update(clock_in_at=at, status=came, source=Source.PUNCHES)
    row.refresh_from_db()
    return row


@transaction.atomic
def clock_out(employee: Employee, at: datetime) -> Attendance:
    """Note that the employee left at the aware instant `at`; return the row of the shift it ends.

    The shift is the last one begun within the 24 hours before. Of several clock-outs the latest
    counts. A row that a person has entered stays as it is, and the punch is kept. Raises Refused
    for an employee who is not active, and InvalidInput when there is no such clock-in, or for an
    instant without its UTC offset.
    """
    _check(employee, at)
    row = _row_of_shift(employee, at)
    if row is None:
        accepted = f"an instant within 24 hours after a clock-in of {employee}"
        raise InvalidInput("at", at.isoformat(), accepted)
    _punch(employee, at, Direction.OUT)
    is_first_or_later = Q(clock_out_at__isnull=True) | Q(clock_out_at__lt=at)
    Attendance.objects.by_punches().filter(is_first_or_later, pk=row.pk).update(clock_out_at=at)
    row.refresh_from_db()
    return row


def rows_of_day(day: date, *, made_by: UUID | None) -> tuple[set[int], set[int]]:
    """Return which employees have a row on `day`, and which of them have it from the run `made_by`.

    Eight bytes for each, so that a day that is complete costs one statement.
    """
    rows = Attendance.objects.filter(date=day).order_by().values_list("employee_id", flat=True)
    theirs = rows.filter(made_by=made_by) if made_by else rows.none()
    return set(rows), set(theirs)


def fill_day(employee_ids: Sequence[int], *, day: date, made_by: UUID) -> int:
    """Make a row on `day` for those employees who have none, in the caller's transaction: on leave
    where leave was approved, absent for everybody else.

    Three statements, however many employees. Returns how many are new: rows that carry the mark
    `made_by`. Repeated with the same mark it counts what the mark has made altogether, so a run
    that is tried again reports all of its work.
    """
    away = days_of_leave(employee_ids, day, day)
    rows = [
        Attendance(
            employee_id=pk,
            date=day,
            made_by=made_by,
            status=status_of(None, work_starts_at=None, on_leave=pk in away),
        )
        for pk in employee_ids
    ]
    Attendance.objects.bulk_create(rows, ignore_conflicts=True)
    # The insert does not say which rows it left out, and a count of what was there before could be
    # outdated by a clock-in at the same moment; the mark can not.
    made = Attendance.objects.made_by_run(made_by, day=day)
    return made.filter(employee_id__in=employee_ids).count()


def _row_of_shift(employee: Employee, at: datetime) -> Attendance | None:
    """Return the row of the last shift begun within the 24 hours before `at`, if there is one."""
    begun = at - LONGEST_SHIFT
    row = employee.attendances.clocked_in_between(begun, at).first()
    if row is not None:
        return row
    # A row that a person has entered does not show the clock-in; its punch does.
    punches = PunchLog.objects.filter(employee_code=employee.code, direction=Direction.IN)
    came = punches.filter(at__gt=begun, at__lte=at).order_by("-at").first()
    if came is None:
        return None
    day = employee.local_day(came.at)
    return employee.attendances.filter(date=day, source=Source.HAND).first()


def _punch(employee: Employee, at: datetime, direction: Direction) -> None:
    punch = PunchLog(employee_code=employee.code, at=at, device=CLOCK, direction=direction)
    PunchLog.objects.bulk_create([punch], ignore_conflicts=True)


def _check(employee: Employee, at: datetime) -> None:
    if not employee.is_active:
        raise Refused(f"{employee} is not active, so nobody clocks for this code.")
    if at.tzinfo is None:
        raise InvalidInput("at", at.isoformat(), "an instant with its UTC offset")
