"""For the reports: a mail server, two recipients, and a company with a day's attendance."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tasks.attendance.models import Attendance, Status
from tests.tasks.people.staff import hire
from tests.tasks.reports.mail_server import Mailbox, mail_server

DAY = date(2030, 5, 6)  # a Monday
SIX_IN_THE_EVENING = datetime(2030, 5, 6, 11, tzinfo=UTC)


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    """Send mail to a server on loopback, in English to one and in Arabic to the other."""
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.HR_RECIPIENTS = [("hr@example.com", "en"), ("mudir@example.com", "ar")]
        yield server


@pytest.fixture
def company() -> None:
    """Have four employees, each with another status on the day."""
    staff = hire(4)
    rows = []
    for employee, status in zip(staff, Status, strict=True):
        row = Attendance(employee=employee, date=DAY, status=status)
        if status in (Status.PRESENT, Status.LATE):
            row.clock_in_at = SIX_IN_THE_EVENING - timedelta(hours=9)
            row.clock_out_at = SIX_IN_THE_EVENING - timedelta(minutes=30)
        rows.append(row)
    Attendance.objects.bulk_create(rows)
