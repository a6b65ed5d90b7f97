"""At most one mail for each report, date and recipient, whatever refuses, dies or is repeated."""

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection

from schedules.models import Run
from schedules.querysets.clock import database_now
from schedules.registry import find
from schedules.states import OnLost
from schedules.testing import execute, execute_run
from tasks.reports.jobs import email_attendance_summary
from tasks.reports.models import Mailing
from tests.tasks.reports.conftest import DAY, SIX_IN_THE_EVENING
from tests.tasks.reports.mail_server import Mailbox

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[3]


def send() -> Run:
    return execute(email_attendance_summary, scheduled_at=SIX_IN_THE_EVENING)


def states() -> dict[str, str]:
    return dict(Mailing.objects.filter(nominal_on=DAY).values_list("recipient", "state"))


def test_a_second_run_sends_nothing(mailbox: Mailbox) -> None:
    send()
    before = list(Mailing.objects.values())

    again = send()

    assert again.summary == "0 sent, 2 had it already, 0 refused, 0 uncertain."
    assert len(mailbox.mails) == 2
    assert list(Mailing.objects.values()) == before


def test_another_date_is_another_mail(mailbox: Mailbox) -> None:
    send()

    execute(email_attendance_summary, scheduled_at=SIX_IN_THE_EVENING + timedelta(days=1))

    assert len(mailbox.mails) == 4


def test_an_address_that_bounces_stops_nobody_and_may_be_tried_again(mailbox: Mailbox) -> None:
    mailbox.refused = {"hr@example.com"}

    bounced = send()

    assert bounced.state == "failed"
    assert bounced.summary == "1 sent, 0 had it already, 1 refused, 0 uncertain."
    assert states() == {"hr@example.com": "refused", "mudir@example.com": "sent"}
    assert Mailing.objects.get(state="refused").error == "550 5.1.1 no such mailbox"

    mailbox.refused = set()
    assert send().summary == "1 sent, 1 had it already, 0 refused, 0 uncertain."
    assert states() == {"hr@example.com": "sent", "mudir@example.com": "sent"}
    assert len(mailbox.mails) == 2


def test_a_refusal_that_ends_the_connection_costs_the_next_recipient_nothing(
    mailbox: Mailbox,
) -> None:
    mailbox.refused, mailbox.refusal = {"hr@example.com"}, "421 4.7.0 come back later"

    put_off = send()

    assert "1 sent, 0 had it already, 1 refused, 0 uncertain." in put_off.error
    assert states() == {"hr@example.com": "refused", "mudir@example.com": "sent"}


def test_what_is_refused_for_the_moment_is_tried_again_by_the_run_until_its_tries_are_used_up(
    mailbox: Mailbox,
) -> None:
    mailbox.refused, mailbox.refusal = {"hr@example.com"}, "451 4.3.0 come back later"

    put_off = send()

    assert put_off.state == "retrying"
    assert "hr@example.com: 451 4.3.0 come back later" in put_off.error
    Run.objects.filter(pk=put_off.pk).update(retries=3, due_at=database_now())
    last = execute_run(put_off)
    assert last.state == "failed"
    assert last.summary == "0 sent, 1 had it already, 1 refused, 0 uncertain."


def test_a_server_that_breaks_off_before_the_mail_was_handed_over_is_asked_again(
    mailbox: Mailbox,
) -> None:
    mailbox.hung_up_on = {"hr@example.com"}

    broken = send()
    mailbox.hung_up_on = set()
    again = send()

    assert broken.state == "retrying"
    assert "1 sent, 0 had it already, 1 refused, 0 uncertain." in broken.error
    assert again.summary == "1 sent, 1 had it already, 0 refused, 0 uncertain."
    assert len(mailbox.mails) == 2


def test_a_server_that_cannot_be_reached_leaves_all_to_a_later_try(
    mailbox: Mailbox, settings: Any
) -> None:
    settings.EMAIL_PORT = 1

    refused = send()

    assert refused.state in ("failed", "retrying")
    assert "ConnectionRefusedError" in refused.error
    assert states() == {}
    settings.EMAIL_PORT = mailbox.port
    assert send().summary.startswith("2 sent")


def test_a_server_that_falls_silent_is_not_tried_again(mailbox: Mailbox, settings: Any) -> None:
    settings.EMAIL_TIMEOUT = 0.2
    settings.HR_RECIPIENTS = settings.HR_RECIPIENTS[:1]
    silence = threading.Event()

    def be_silent(_: EmailMessage) -> None:
        silence.wait(1)

    mailbox.on_mail = be_silent

    first = send()
    mailbox.on_mail = None
    second = send()

    assert first.summary == "0 sent, 0 had it already, 0 refused, 1 uncertain."
    assert second.summary == first.summary
    assert states() == {"hr@example.com": "uncertain"}
    assert len(mailbox.mails) == 1


def test_without_recipients_it_is_skipped(settings: Any) -> None:
    settings.HR_RECIPIENTS = []

    run = send()

    assert (run.state, run.reason) == ("skipped", "HR_RECIPIENTS names nobody")


def test_a_lost_worker_is_not_followed_by_another_try() -> None:
    for name in ("email_attendance_summary", "email_weekly_report", "remind_birthdays"):
        declaration = find(f"reports.{name}")
        assert declaration is not None
        assert (declaration.on_lost, declaration.enabled) == (OnLost.FAIL, False)


def database_url() -> str:
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    login = f"{quote(values['USER'])}:{quote(values['PASSWORD'] or '')}"
    query = "" if not str(values["HOST"]).startswith("/") else f"?host={quote(values['HOST'])}"
    host = "" if query else values["HOST"]
    return f"postgresql://{login}@{host}:{values['PORT']}/{values['NAME']}{query}"


@pytest.mark.django_db(transaction=True)
def test_a_sender_that_is_killed_in_the_middle_never_sends_twice(mailbox: Mailbox) -> None:
    program = (
        "import django; django.setup()\n"
        "from datetime import datetime\n"
        "from schedules.testing import execute\n"
        "from tasks.reports.jobs import email_attendance_summary\n"
        f"at = datetime.fromisoformat({SIX_IN_THE_EVENING.isoformat()!r})\n"
        "execute(email_attendance_summary, scheduled_at=at)\n"
    )
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "DATABASE_URL": database_url(),
        "EMAIL_URL": f"smtp://127.0.0.1:{mailbox.port}",
        "HR_RECIPIENTS": "hr@example.com, mudir@example.com=ar",
    }
    sender = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment)

    def kill(_: EmailMessage) -> None:
        os.kill(sender.pid, signal.SIGKILL)
        sender.wait()

    mailbox.on_mail = kill
    assert sender.wait(60) == -signal.SIGKILL
    mailbox.on_mail = None

    assert states() == {"hr@example.com": "sending"}
    after = send()

    assert after.summary == "1 sent, 0 had it already, 0 refused, 1 uncertain."
    assert len(mailbox.to("hr@example.com")) == 1
    assert len(mailbox.to("mudir@example.com")) == 1
