"""From raw punches to attendance rows, batch by batch: gather outside, write in one short step."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tasks.attendance.leave import days_of_leave
from tasks.attendance.models import Attendance, PunchLog, PunchState, Source
from tasks.attendance.shifts import REACH, Punch, Shift, shifts_by_day, status_of
from tasks.people.models import Employee

BATCH = 2000
"""Punches counted in one transaction. On SQLite an open one stops every other writer."""

Fence = Callable[[], AbstractContextManager[None]]
"""Opens the short transaction in which a batch is written."""


@dataclass(kw_only=True)
class Synced:
    """What has been done so far; `unknown` counts punches by code.

    `unreadable` are codes whose employee has a time zone that does not exist, which only SQL can
    have written. Their punches stay pending until that is mended.
    """

    punches: int = 0
    created: int = 0
    changed: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    unreadable: set[str] = field(default_factory=set)


def take_up_hired(fence: Fence) -> int:
    """Let unknown punches whose code has an employee by now be counted after all; return how many.

    In short transactions of a batch each.
    """
    taken = 0
    while ids := list(PunchLog.objects.hired_since().values_list("pk", flat=True)[:BATCH]):
        with fence():
            taken += PunchLog.objects.filter(pk__in=ids).update(state=PunchState.PENDING)
    return taken


def sync_batch(done: Synced, *, until: datetime, fence: Fence) -> int:
    """Count the next pending punches up to the instant `until`; return how many there were.

    Every day that they may change is worked out anew from all of its punches, so late and
    out-of-order punches come out right and a repetition changes nothing. A punch that arrives in
    the middle stays pending and is counted by the next batch.
    """
    # By person, not by arrival: so a backlog of months works out each day about once.
    pending = PunchLog.objects.pending(until=until).exclude(employee_code__in=done.unreadable)
    in_order = pending.order_by("employee_code", "at")
    batch = list(in_order.values_list("pk", "employee_code", "at")[:BATCH])
    if not batch:
        return 0
    staff = {e.code: e for e in Employee.objects.filter(code__in={code for _, code, _ in batch})}
    done.unreadable |= {code for code, employee in staff.items() if not employee.has_zone()}
    known = [row for row in batch if row[1] in staff and row[1] not in done.unreadable]
    unknown = [row for row in batch if row[1] not in staff]
    rows = _work_out(known, staff)
    with fence():
        created, changed = write_days(rows)
        _mark(known, PunchState.DONE)
        _mark(unknown, PunchState.UNKNOWN)
    done.punches += len(known)
    done.created += created
    done.changed += changed
    done.unknown.update(code for _, code, _ in unknown)
    return len(batch)


def _mark(rows: Sequence[tuple[int, str, datetime]], state: PunchState) -> None:
    if rows:
        PunchLog.objects.filter(pk__in=[pk for pk, _, _ in rows]).update(state=state)


def _work_out(
    known: Sequence[tuple[int, str, datetime]], staff: dict[str, Employee]
) -> list[Attendance]:
    """Return the days that these punches may change, as they should be, not saved."""
    days: dict[str, set[date]] = defaultdict(set)
    for _, code, at in known:
        day = staff[code].local_day(at)
        days[code] |= {day - timedelta(days=1), day, day + timedelta(days=1)}
    if not days:
        return []
    instants = [at for _, _, at in known]
    punches = _punches(days, min(instants) - REACH, max(instants) + REACH)
    every = [day for those in days.values() for day in those]
    leave = days_of_leave([staff[code].pk for code in days], min(every), max(every))
    rows = []
    for code, those in days.items():
        employee = staff[code]
        shifts = shifts_by_day(punches[code], ZoneInfo(employee.timezone))
        on_leave = leave.get(employee.pk, set())
        rows += [_row(employee, day, shifts.get(day), day in on_leave) for day in sorted(those)]
    return rows


def _punches(codes: Iterable[str], earliest: datetime, latest: datetime) -> dict[str, list[Punch]]:
    found = PunchLog.objects.filter(employee_code__in=list(codes), at__range=(earliest, latest))
    punches: dict[str, list[Punch]] = defaultdict(list)
    fields = ("employee_code", "at", "direction")
    for code, at, direction in found.order_by().values_list(*fields):
        punches[code].append((at, direction))
    return punches


def _row(employee: Employee, day: date, shift: Shift | None, on_leave: bool) -> Attendance:
    clock_in_at = shift.clock_in_at if shift else None
    status = status_of(clock_in_at, work_starts_at=employee.work_starts_on(day), on_leave=on_leave)
    return Attendance(
        employee=employee,
        date=day,
        status=status,
        clock_in_at=clock_in_at,
        clock_out_at=shift.clock_out_at if shift else None,
        source=Source.PUNCHES if shift else Source.NONE,
    )


def write_days(rows: Sequence[Attendance]) -> tuple[int, int]:
    """Write those days that differ from what is stored, in the caller's transaction.

    Returns (created, changed). A day that a person has entered is left alone. A day without
    punches only loses what punches gave it, and is not made.
    """
    if not rows:
        return 0, 0
    days = [row.date for row in rows]
    stored = Attendance.objects.filter(
        employee_id__in={row.employee_id for row in rows}, date__range=(min(days), max(days))
    )
    # Locked, so that a correction by hand at this moment comes before us or after us.
    locked = stored.order_by("pk").select_for_update(no_key=True)
    before = {(row.employee_id, row.date): row for row in locked}
    new, changed = [], []
    for row in rows:
        old = before.get((row.employee_id, row.date))
        if old is None:
            if row.source == Source.PUNCHES:
                new.append(row)
        elif _differs(old, row):
            changed.append(row)
    Attendance.objects.bulk_create(
        new + changed,
        update_conflicts=True,
        unique_fields=["employee", "date"],
        update_fields=["status", "clock_in_at", "clock_out_at", "source"],
    )
    return len(new), len(changed)


def _differs(old: Attendance, row: Attendance) -> bool:
    """Whether the stored row has to change, and may."""
    if old.source == Source.HAND:
        return False
    if row.source == Source.NONE and old.source != Source.PUNCHES:
        return False  # nobody punched then, and nobody does now
    return (old.status, old.clock_in_at, old.clock_out_at, old.source) != (
        row.status,
        row.clock_in_at,
        row.clock_out_at,
        row.source,
    )
