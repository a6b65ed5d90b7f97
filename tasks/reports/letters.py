"""The letters: subject, text and HTML of each report in a language, and the attached table."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from io import StringIO

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from tasks.attendance.models import Attendance
from tasks.reports.figures import DayFigures, WeekFigures

MOST_NAMES = 200
"""Names that a letter lists; the rest is counted."""

CSV_COLUMNS = ("employee_code", "name", "date", "status", "clock_in", "clock_out", "hours")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail without its recipient. Attachments are (name, content, media type)."""

    subject: str
    text: str
    html: str
    attachments: tuple[tuple[str, str, str], ...] = ()


def attendance_summary(figures: DayFigures, language: str) -> Letter:
    """Return the day's numbers, with the names of who was not there or late."""
    with translation.override(language):
        subject = _("Attendance on %(date)s") % {"date": _day(figures.day)}
        groups = [
            (_("Absent"), figures.absent),
            (_("Late"), figures.late),
            (_("On leave"), figures.on_leave),
        ]
        lists = [
            {"title": title, "names": names[:MOST_NAMES], "more": max(0, len(names) - MOST_NAMES)}
            for title, names in groups
            if names
        ]
        return _letter("attendance_summary", subject, {"counts": figures.counts, "lists": lists})


def weekly_report(figures: WeekFigures, language: str, *, table: str) -> Letter:
    """Return the week's numbers day by day, with `table` (CSV) attached."""
    with translation.override(language):
        span = {"first": _day(figures.monday), "last": _day(figures.sunday)}
        subject = _("Attendance from %(first)s to %(last)s") % span
        days = [
            {"label": date_format(day, "D j M"), "counts": counts}
            for day, counts in figures.days.items()
        ]
        name = f"attendance-{figures.monday}-{figures.sunday}.csv"
        context = {"days": days, "total": figures.total}
        return _letter("weekly_report", subject, context, ((name, table, "text/csv"),))


def birthdays(names: list[str], day: date, language: str) -> Letter:
    """Return the names of those who have their birthday."""
    with translation.override(language):
        subject = _("Birthdays on %(date)s") % {"date": _day(day)}
        return _letter("birthdays", subject, {"names": names})


def as_csv(rows: Iterable[Attendance]) -> str:
    """Return a table of the days, times on the clocks where each employee works.

    Begins with a byte order mark, by which spreadsheets know UTF-8; a name that a spreadsheet would
    take for a formula gets an apostrophe in front.
    """
    file = StringIO()
    writer = csv.writer(file)
    writer.writerow(CSV_COLUMNS)
    for row in rows:
        times = [
            "" if at is None else row.employee.on_the_wall(at).isoformat(" ", "minutes")
            for at in (row.clock_in_at, row.clock_out_at)
        ]
        who = [_harmless(row.employee.code), _harmless(row.employee.name)]
        writer.writerow([*who, row.date.isoformat(), row.status, *times, _hours(row)])
    return "\ufeff" + file.getvalue()


def _hours(row: Attendance) -> str:
    if row.clock_in_at is None or row.clock_out_at is None:
        return ""
    return f"{(row.clock_out_at - row.clock_in_at) / timedelta(hours=1):.2f}"


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _day(day: date) -> str:
    return date_format(day, "DATE_FORMAT")


def _letter(
    template: str,
    subject: str,
    context: Mapping[str, object],
    attachments: tuple[tuple[str, str, str], ...] = (),
) -> Letter:
    """Render both templates in the language that is active."""
    context = {
        **context,
        "subject": subject,
        "language": translation.get_language(),
        "direction": "rtl" if translation.get_language_bidi() else "ltr",
    }
    return Letter(
        subject=subject,
        text=render_to_string(f"reports/{template}.txt", dict(context)),
        html=render_to_string(f"reports/{template}.html", dict(context)),
        attachments=attachments,
    )
