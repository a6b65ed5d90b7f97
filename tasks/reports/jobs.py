"""The jobs of the reports: mails to the people of HR, shipped disabled."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from schedules.public import Cron, CurrentRun, OnLost, job
from tasks.reports import letters
from tasks.reports.figures import birthdays_on, figures_of_day, figures_of_week, rows_of_week
from tasks.reports.models import Report
from tasks.reports.post import send_to_hr

OFFICE_ZONE = "Asia/Jakarta"

RETRIES: dict[str, Any] = {"max_retries": 3, "on_lost": OnLost.FAIL}
"""A server that cannot be reached is tried again. A worker that dies in the middle may have sent a
mail already, so its run is not.
"""


@job(
    Cron("0 18 * * *", tz=OFFICE_ZONE),
    enabled=False,
    misfire_grace=timedelta(hours=6),
    **RETRIES,
    name_en="E-mail the attendance summary",
    name_ar="إرسال ملخص الحضور بالبريد",
    name_id="Kirim ringkasan absensi",
    description_en="Mails HR who was present, absent, late and on leave on the day.",
    description_ar="يرسل إلى الموارد البشرية الحاضرين والغائبين والمتأخرين ومن في إجازة.",
    description_id="Mengirim ke HR siapa yang hadir, absen, terlambat, dan cuti hari itu.",
)
def email_attendance_summary(*, scheduled_at: datetime, run: CurrentRun) -> dict[str, Any]:
    """Mail the attendance of the Jakarta day of `scheduled_at` to HR, to each at most once."""
    day = _office_day(scheduled_at)
    figures = figures_of_day(day)
    sending = send_to_hr(
        Report.ATTENDANCE_SUMMARY,
        lambda language: letters.attendance_summary(figures, language),
        on=day,
        run=run,
    )
    return {**sending.as_result(), "date": day.isoformat(), **figures.counts}


@job(
    Cron("0 8 * * 1", tz=OFFICE_ZONE),
    enabled=False,
    misfire_grace=timedelta(days=2),
    **RETRIES,
    name_en="E-mail the weekly report",
    name_ar="إرسال التقرير الأسبوعي بالبريد",
    name_id="Kirim laporan mingguan",
    description_en="Mails HR the attendance of the week before, with a table attached.",
    description_ar="يرسل إلى الموارد البشرية حضور الأسبوع السابق مع جدول مرفق.",
    description_id="Mengirim ke HR absensi minggu sebelumnya dengan lampiran tabel.",
)
def email_weekly_report(*, scheduled_at: datetime, run: CurrentRun) -> dict[str, Any]:
    """Mail the attendance of the last whole week, Monday to Sunday, before `scheduled_at`."""
    day = _office_day(scheduled_at)
    monday = day - timedelta(days=day.weekday() + 7)
    figures = figures_of_week(monday)
    table = letters.as_csv(rows_of_week(monday))
    sending = send_to_hr(
        Report.WEEKLY_REPORT,
        lambda language: letters.weekly_report(figures, language, table=table),
        on=day,
        run=run,
    )
    return {**sending.as_result(), "week_from": monday.isoformat(), **figures.total}


@job(
    Cron("0 9 * * *", tz=OFFICE_ZONE),
    enabled=False,
    misfire_grace=timedelta(hours=12),
    **RETRIES,
    name_en="Remind of birthdays",
    name_ar="التذكير بأعياد الميلاد",
    name_id="Ingatkan ulang tahun",
    description_en="Mails HR whose birthday it is; nothing on a day without one.",
    description_ar="يرسل إلى الموارد البشرية أسماء أصحاب أعياد الميلاد، ولا شيء في غيرها.",
    description_id="Mengirim ke HR siapa yang berulang tahun; tidak ada jika tidak ada.",
)
def remind_birthdays(*, scheduled_at: datetime, run: CurrentRun) -> dict[str, Any]:
    """Mail the names of those who have their birthday on the Jakarta day of `scheduled_at`."""
    day = _office_day(scheduled_at)
    names = birthdays_on(day)
    if not names:
        return {"success": True, "message": f"Nobody has a birthday on {day}.", "birthdays": 0}
    sending = send_to_hr(
        Report.BIRTHDAYS,
        lambda language: letters.birthdays(names, day, language),
        on=day,
        run=run,
    )
    return {**sending.as_result(), "date": day.isoformat(), "birthdays": len(names)}


def _office_day(instant: datetime) -> date:
    return instant.astimezone(ZoneInfo(OFFICE_ZONE)).date()
