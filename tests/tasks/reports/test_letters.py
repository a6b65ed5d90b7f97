"""The letters as a mail server gets them: three languages, both forms, the table."""

import csv
import re
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from schedules.testing import execute
from tasks.attendance.models import Attendance, Status
from tasks.people.models import Employee
from tasks.reports import letters
from tasks.reports.figures import birthdays_on, figures_of_day
from tasks.reports.jobs import email_attendance_summary, email_weekly_report, remind_birthdays
from tests.tasks.people.staff import hire
from tests.tasks.reports.conftest import DAY, SIX_IN_THE_EVENING
from tests.tasks.reports.mail_server import Mailbox

pytestmark = pytest.mark.django_db

LOCALES = Path(letters.__file__).parent / "locale"


def body(mail: Any, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


@pytest.mark.usefixtures("company")
def test_the_summary_in_english_and_in_arabic(mailbox: Mailbox) -> None:
    run = execute(email_attendance_summary, scheduled_at=SIX_IN_THE_EVENING)

    assert (run.state, run.summary) == (
        "succeeded",
        "2 sent, 0 had it already, 0 refused, 0 uncertain.",
    )
    (english,) = mailbox.to("hr@example.com")
    (arabic,) = mailbox.to("mudir@example.com")
    assert english["Subject"] == "Attendance on May 6, 2030"
    assert "Present: 1" in body(english, "plain")
    assert "Absent:\n- Employee 1\n" in body(english, "plain")
    assert '<html lang="en" dir="ltr">' in body(english, "html")
    assert "<li>Employee 4</li>" in body(english, "html")
    assert arabic["Subject"].startswith("الحضور في")
    assert '<html lang="ar" dir="rtl">' in body(arabic, "html")
    assert "في إجازة: 1" in body(arabic, "plain")


@pytest.mark.usefixtures("company")
def test_the_summary_in_indonesian() -> None:
    letter = letters.attendance_summary(figures_of_day(DAY), "id")

    assert letter.subject == "Absensi tanggal 6 Mei 2030"
    assert "Hadir: 1" in letter.text
    assert '<html lang="id" dir="ltr">' in letter.html


def test_markup_in_a_name_stays_text_and_long_lists_are_cut() -> None:
    hire(letters.MOST_NAMES + 3)
    Employee.objects.filter(code="T00001").update(name="<b>Ann</b> & Co")
    Attendance.objects.bulk_create(
        Attendance(employee=employee, date=DAY) for employee in Employee.objects.all()
    )

    letter = letters.attendance_summary(figures_of_day(DAY), "en")

    assert "&lt;b&gt;Ann&lt;/b&gt; &amp; Co" in letter.html
    assert "- <b>Ann</b> & Co" in letter.text
    assert letter.text.rstrip().endswith("and 3 more")


@pytest.mark.usefixtures("company")
def test_the_weekly_report_has_the_week_before_and_a_table(mailbox: Mailbox) -> None:
    monday = datetime(2030, 5, 13, 1, tzinfo=UTC)
    Employee.objects.filter(code="T00002").update(name="=cmd()")

    run = execute(email_weekly_report, scheduled_at=monday)

    assert run.state == "succeeded"
    (mail,) = mailbox.to("hr@example.com")
    assert mail["Subject"] == "Attendance from May 6, 2030 to May 12, 2030"
    assert "Mon 6 May: Present 1, Absent 1, Late 1, On leave 1" in body(mail, "plain")
    (table,) = mail.iter_attachments()
    assert table.get_filename() == "attendance-2030-05-06-2030-05-12.csv"
    content = table.get_content()
    text = content if isinstance(content, str) else content.decode()
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(StringIO(text.removeprefix("\ufeff"))))
    assert [row["employee_code"] for row in rows] == ["T00001", "T00002", "T00003", "T00004"]
    assert rows[1] == {
        "employee_code": "T00002",
        "name": "'=cmd()",
        "date": "2030-05-06",
        "status": "present",
        "clock_in": "2030-05-06 09:00+07:00",
        "clock_out": "2030-05-06 17:30+07:00",
        "hours": "8.50",
    }


def test_birthdays_and_the_29th_of_february(mailbox: Mailbox) -> None:
    for employee, born in zip(
        hire(4),
        [date(1990, 5, 6), date(1988, 5, 7), date(2000, 2, 29), date(1999, 2, 28)],
        strict=True,
    ):
        Employee.objects.filter(pk=employee.pk).update(birth_date=born)

    run = execute(remind_birthdays, scheduled_at=SIX_IN_THE_EVENING)
    nobody = execute(remind_birthdays, scheduled_at=SIX_IN_THE_EVENING - timedelta(days=1))

    assert run.state == "succeeded"
    assert "- Employee 1\n" in body(mailbox.to("hr@example.com")[0], "plain")
    assert len(mailbox.mails) == 2
    assert nobody.summary == "Nobody has a birthday on 2030-05-05."
    assert birthdays_on(date(2030, 2, 28)) == ["Employee 3", "Employee 4"]
    assert birthdays_on(date(2032, 2, 28)) == ["Employee 4"]
    assert birthdays_on(date(2032, 2, 29)) == ["Employee 3"]


def test_the_date_is_that_of_the_nominal_time_in_jakarta(mailbox: Mailbox) -> None:
    for employee in hire(1):
        Attendance.objects.create(employee=employee, date=DAY, status=Status.LATE)

    execute(email_attendance_summary, scheduled_at=datetime(2030, 5, 5, 17, tzinfo=UTC))

    assert "Late: 1" in body(mailbox.to("hr@example.com")[0], "plain")


@pytest.mark.parametrize("language", ["ar", "id"])
def test_every_text_is_translated_and_the_compiled_file_is_fresh(language: str) -> None:
    source = (LOCALES / language / "LC_MESSAGES" / "django.po").read_text()
    pairs = re.findall(r'^msgid "(.+)"\nmsgstr "(.*)"$', source, re.MULTILINE)
    known = {text for text, _ in pairs}
    used = set(re.findall(r'_\("([^"]+)"\)', Path(letters.__file__).read_text()))
    for template in (Path(letters.__file__).parent / "templates" / "reports").iterdir():
        content = template.read_text()
        used |= set(re.findall(r'{% translate "([^"]+)" %}', content))
        for text in re.findall(r"%}([^{%]*{{ count }}[^{%]*){% endblocktranslate", content):
            used.add(text.replace("{{ count }}", "%(count)s"))

    assert used == known
    with translation.override(language):
        assert {text: translation.gettext(text) for text, _ in pairs} == dict(pairs)
