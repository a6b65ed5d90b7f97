"""The job of the attendance: every morning a row for everyone."""

import logging
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import DataError, IntegrityError, InternalError, ProgrammingError

from schedules.public import Cron, CurrentRun, job
from tasks.attendance.services import fill_day
from tasks.people.directory import pages_of_active_employees

log = logging.getLogger(__name__)

OFFICE_ZONE = "Asia/Jakarta"

ONE_PERSONS_FAULT = (IntegrityError, DataError, InternalError, ProgrammingError)
"""What one bad or vanished employee can raise. A lost database is nobody's fault, and raises on."""


@job(
    Cron("30 0 * * *", tz=OFFICE_ZONE),
    # However late on its day, and no longer: then the next day's run is there.
    misfire_grace=timedelta(hours=23),
    idempotent=True,
    max_retries=3,
    name_en="Create the day's attendance",
    name_ar="إنشاء سجلات الحضور اليومية",
    name_id="Buat absensi harian otomatis",
    description_en="Gives every active employee an absent row; a clock-in makes it present.",
    description_ar="يضيف لكل موظف نشط سجل غياب لليوم، ويحوله تسجيل الدخول إلى حضور.",
    description_id="Memberi setiap karyawan aktif baris absen; clock-in mengubahnya menjadi hadir.",
)
def auto_create_daily_attendance(*, scheduled_at: datetime, run: CurrentRun) -> dict[str, Any]:
    """Make an absent row for each active employee without one on the Jakarta day of `scheduled_at`.

    The day is that of the nominal time: a run delayed past midnight still fills its own day. Safe
    to repeat. Returns `data` with created + skipped + errors = total_employees, where errors are
    people who are left without a row.
    """
    day = scheduled_at.astimezone(ZoneInfo(OFFICE_ZONE)).date()
    pages = list(pages_of_active_employees())
    total = sum(len(page) for page in pages)
    created = errors = done = 0
    for page in pages:
        for code in page.unknown:
            log.error("unknown employee", extra={"action": "unknown_employee", "code": code})
        page_created, page_errors = _fill_page(page.employee_ids, day=day, run=run)
        created += page_created
        errors += page_errors + len(page.unknown)
        done += len(page)
        run.progress(done, total)
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
        },
    }


def _fill_page(employee_ids: Sequence[int], *, day: date, run: CurrentRun) -> tuple[int, int]:
    """Fill one page in one short transaction; return (created, errors).

    A page that is refused is halved until the one person at fault stands alone; everyone else gets
    a row.
    """
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
