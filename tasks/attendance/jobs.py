"""The jobs of the attendance: rows for the day, punches, absences, requests for leave."""

import logging
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import DataError, IntegrityError, InternalError, ProgrammingError

from schedules.public import Cron, CurrentRun, job
from tasks.attendance.intake import CLOCKS_DIFFER
from tasks.attendance.leave import settle_absences
from tasks.attendance.models import Attendance, LeaveRequest, PunchLog
from tasks.attendance.services import fill_day, rows_of_day
from tasks.attendance.sync import Synced, sync_batch, take_up_hired
from tasks.people.directory import DirectoryFailed, Page, Unknown, pages_of_active_employees

log = logging.getLogger(__name__)

OFFICE_ZONE = "Asia/Jakarta"

ONE_PERSONS_FAULT = (IntegrityError, DataError, InternalError, ProgrammingError)
"""What one bad or vanished employee can raise. A lost database is nobody's fault, and raises on."""


LEAVE_WAITS = timedelta(days=7)
"""How long a request for leave waits for a decision."""

MOST_CODES = 20
"""Unknown codes that a result names; the admin lists all of them."""

MOST_REFUSED = 100
"""People of the directory that a result names as refused; the run's log names more of them."""


@job(
    Cron("30 0 * * *", tz=OFFICE_ZONE),
    # However late on its day, and no longer: then the next day's run is there.
    misfire_grace=timedelta(hours=23),
    idempotent=True,
    max_retries=3,
    checks=[
        "created + skipped + errors == total_employees",
        "total_employees >= 0.8 * median(total_employees, last=10, same_weekday=True)",
        "took < 60 or took < 3 * p95(took, last=30)",
    ],
    name_en="Create the day's attendance",
    name_ar="إنشاء سجلات الحضور اليومية",
    name_id="Buat absensi harian otomatis",
    description_en="Gives every active employee a row: on leave, or absent until a clock-in.",
    description_ar="يضيف لكل موظف نشط سجلًا لليوم: إجازة، أو غياب يحوله تسجيل الدخول إلى حضور.",
    description_id="Memberi setiap karyawan aktif baris: cuti, atau absen sampai clock-in.",
)
def auto_create_daily_attendance(*, scheduled_at: datetime, run: CurrentRun) -> dict[str, Any]:
    """Make a row for each active employee without one on the Jakarta day of `scheduled_at`: on
    leave where leave was approved, absent for all others.

    The day is that of the nominal time: a run delayed past midnight still fills its own day. Safe
    to repeat. Returns `data` with created + skipped + errors = total_employees, where errors are
    people who are left without a row; `refused` names the first of those in whom the directory
    is wrong, with the reason. Raises DirectoryFailed, after it has filled the pages that
    came, when the directory breaks off; another try completes the day.
    """
    day = scheduled_at.astimezone(ZoneInfo(OFFICE_ZONE)).date()
    pages, failure = _gather()
    total = sum(len(page) for page in pages)
    # Those who have a row are looked up all at once: a day that is complete costs next to nothing.
    there, ours = rows_of_day(day, made_by=run.task_id if run.attempt > 1 else None)
    created = errors = done = 0
    refused: list[Unknown] = []
    for page in pages:
        refused += page.unknown[: MOST_REFUSED - len(refused)]
        for code, _ in page.unknown:
            log.error("unknown employee", extra={"action": "unknown_employee", "code": code})
        missing = [pk for pk in page.employee_ids if pk not in there]
        page_created, page_errors = _fill_page(missing, day=day, run=run)
        created += page_created + sum(pk in ours for pk in page.employee_ids)
        errors += page_errors + len(page.unknown)
        done += len(page)
        run.progress(done, total)
    if failure is not None:
        # Raised, and not returned, so that the run is tried again.
        made = f"{created} rows were made for the {total} people before"
        raise DirectoryFailed(f"{failure} {made}; the rest have none yet.") from failure
    skipped = total - created - errors
    return {
        "success": errors == 0,
        # The wording that readers of the replaced system's log know.
        "message": f"Auto-create attendance selesai. Total: {total}, Created: {created},"
        f" Skipped: {skipped}, Errors: {errors}",
        "data": {
            "date": day.isoformat(),
            "total_employees": total,
            "created": created,
            "skipped": skipped,
            "errors": errors,
            "refused": [{"code": code, "reason": reason[:200]} for code, reason in refused],
        },
    }


@job(
    Cron("* * * * *"),
    idempotent=True,
    name_en="Sync attendance logs",
    name_ar="مزامنة سجلات الحضور",
    name_id="Sinkronkan log absensi",
    description_en="Turns new punches into attendance: first in, last out, one row a day.",
    description_ar="يحوّل البصمات الجديدة إلى حضور: أول دخول وآخر خروج، صف واحد لليوم.",
    description_id="Mengubah catatan mesin absen menjadi absensi: masuk pertama, pulang terakhir.",
)
def sync_attendance_logs(*, scheduled_at: datetime, run: CurrentRun) -> dict[str, Any]:
    """Count every pending punch up to `scheduled_at`; late and out-of-order ones correct their day.

    Punches with a code that no employee has are kept, named in `unknown`, and counted once there is
    such an employee. A punch dated in the future waits until then. Safe to repeat. The run is
    failed while `errors` names employees whose time zone does not exist; all others are counted.
    """
    until = scheduled_at + CLOCKS_DIFFER
    taken_up = take_up_hired(run.fenced)
    total = PunchLog.objects.pending(until=until).count()
    done, seen = Synced(), 0
    while count := sync_batch(done, until=until, fence=run.fenced):
        seen += count
        run.progress(seen, max(seen, total))
    unknown = sum(done.unknown.values())
    message = (
        f"{done.punches} punches: {done.created} days created, {done.changed} changed;"
        f" {unknown} with an unknown code."
    )
    if unknown:
        extra = {"action": "unknown_punches", "codes": dict(done.unknown.most_common(MOST_CODES))}
        log.warning("punches with an unknown code", extra=extra)
    errors = [f"Employee {code} has a time zone that does not exist." for code in done.unreadable]
    if errors:
        message += f" {len(errors)} employees left out: {min(errors)}"
    return {
        "success": not errors,
        "message": message,
        "errors": sorted(errors),
        "punches": done.punches,
        "created": done.created,
        "changed": done.changed,
        "taken_up": taken_up,
        "unknown": dict(done.unknown.most_common(MOST_CODES)),
        "unknown_kept": PunchLog.objects.unknown().count(),
    }


@job(
    Cron("0 20 * * *", tz=OFFICE_ZONE),
    misfire_grace=timedelta(hours=23),
    idempotent=True,
    max_retries=3,
    checks=["absent <= 3 * median(absent, last=10, same_weekday=True) + 10"],
    name_en="Calculate absentees",
    name_ar="حساب الغائبين",
    name_id="Hitung karyawan absen",
    description_en="Tells who has no punch and no approved leave on the day.",
    description_ar="يحدد من ليس له بصمة ولا إجازة معتمدة في اليوم.",
    description_id="Menentukan siapa yang tidak absen dan tidak cuti pada hari itu.",
)
def calculate_absentees(*, scheduled_at: datetime, run: CurrentRun) -> dict[str, Any]:
    """Settle the Jakarta day of `scheduled_at`: whoever has no punch is on leave or absent.

    Punches up to `scheduled_at` that the sync has not come to are counted first, as it counts them.
    Works it out anew each time: leave decided since, and employees without a row, are taken in.
    Days that a person has entered stay. Safe to repeat; punches that come later correct the day.
    """
    day = scheduled_at.astimezone(ZoneInfo(OFFICE_ZONE)).date()
    created = changed = done = 0
    take_up_hired(run.fenced)
    synced = Synced()
    while sync_batch(synced, until=scheduled_at + CLOCKS_DIFFER, fence=run.fenced):
        run.progress(synced.punches)  # else who has a punch that waits would be called absent
    for page in pages_of_active_employees():
        with run.fenced():
            created += fill_day(page.employee_ids, day=day, made_by=run.task_id)
            changed += settle_absences(page.employee_ids, day=day)
        done += len(page)
        run.progress(done)
    run.progress(done, done)
    counts = Attendance.objects.count_by_status(day)
    message = f"{day}: " + ", ".join(f"{count} {name}" for name, count in counts.items()) + "."
    data = {"date": day.isoformat(), **counts, "created": created, "changed": changed}
    return {"success": True, "message": message, "data": data}


@job(
    Cron("0 1 * * *", tz=OFFICE_ZONE),
    enabled=False,
    atomic=True,
    misfire_grace=timedelta(hours=23),
    name_en="Expire leave requests",
    name_ar="إنهاء صلاحية طلبات الإجازة",
    name_id="Kedaluwarsakan permohonan cuti",
    description_en="Ends requests for leave that nobody has decided for seven days.",
    description_ar="ينهي طلبات الإجازة التي لم يُبت فيها خلال سبعة أيام.",
    description_id="Mengakhiri permohonan cuti yang tidak diputuskan selama tujuh hari.",
)
def expire_leave_requests(*, scheduled_at: datetime) -> dict[str, Any]:
    """Expire requests that had waited for longer than seven days at `scheduled_at`; safe to
    repeat.
    """
    waiting = LeaveRequest.objects.pending_since_before(scheduled_at - LEAVE_WAITS)
    expired = waiting.update(status=LeaveRequest.Status.EXPIRED, decided_at=scheduled_at)
    return {"message": f"{expired} requests for leave have expired.", "expired": expired}


def _gather() -> tuple[list[Page], DirectoryFailed | None]:
    """Return the pages of the directory, and why there are no more where it broke off."""
    pages: list[Page] = []
    try:
        for page in pages_of_active_employees():
            pages.append(page)  # noqa: PERF402 - what came before a failure is kept
    except DirectoryFailed as error:
        return pages, error
    return pages, None


def _fill_page(employee_ids: Sequence[int], *, day: date, run: CurrentRun) -> tuple[int, int]:
    """Fill one page in one short transaction; return (created, errors).

    A page that is refused is halved until the one person at fault stands alone; everyone else gets
    a row.
    """
    if not employee_ids:
        return 0, 0
    try:
        with run.fenced():
            created = fill_day(employee_ids, day=day, made_by=run.task_id)
    except ONE_PERSONS_FAULT:
        if len(employee_ids) > 1:
            middle = len(employee_ids) // 2
            halves = (employee_ids[:middle], employee_ids[middle:])
            counts = [_fill_page(half, day=day, run=run) for half in halves]
            return sum(c for c, _ in counts), sum(e for _, e in counts)
        extra = {
            "action": "attendance_refused",
            "employee": employee_ids[0],
            "day": day.isoformat(),
        }
        log.exception("attendance refused", extra=extra)
        return 0, 1
    return created, 0
