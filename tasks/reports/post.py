"""Sending a report: at most once to each recipient, whatever is killed when.

For each recipient a row is committed before the sending begins. A row that says "refused" may be
tried again, since the server did not take that mail; one that says anything else may not. What was
refused for the moment only (4xx) is tried again by the run itself, as long as it has tries left.
"""

import logging
import smtplib
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from schedules.public import CurrentRun, SkipRun, database_now
from tasks.reports.letters import Letter
from tasks.reports.models import Mailing, Report

log = logging.getLogger(__name__)

# After any of these the server has certainly not taken the mail.
REFUSALS = (
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPSenderRefused,
    smtplib.SMTPDataError,
    smtplib.SMTPNotSupportedError,
    UnicodeError,  # an address or header that cannot be written at all
)

# The steps that come before the mail itself is handed over.
BEFORE_THE_MAIL = frozenset(
    step.__code__
    for step in (
        smtplib.SMTP.ehlo_or_helo_if_needed,
        smtplib.SMTP.mail,
        smtplib.SMTP.rcpt,
    )
)


class PutOff(Exception):
    """The mail server has refused some mails for the moment; a later try is worth it."""


@dataclass(kw_only=True)
class Sending:
    """What became of the recipients' mails."""

    sent: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    uncertain: dict[str, str] = field(default_factory=dict)
    put_off: list[str] = field(default_factory=list)
    """Those of the refused who may get it a little later."""

    @property
    def message(self) -> str:
        """The counts, in words."""
        return (
            f"{len(self.sent)} sent, {len(self.already)} had it already,"
            f" {len(self.refused)} refused, {len(self.uncertain)} uncertain."
        )

    def as_result(self) -> dict[str, object]:
        """Return a job's result; it is a failure where somebody has no mail, or may have none."""
        return {
            "success": not (self.refused or self.uncertain),
            "message": self.message,
            "sent": self.sent,
            "already": self.already,
            "refused": self.refused,
            "uncertain": self.uncertain,
        }


def send_to_hr(
    report: Report, write: Callable[[str], Letter], *, on: date, run: CurrentRun
) -> Sending:
    """Send the report of the date `on` to each of `settings.HR_RECIPIENTS` who has not had it.

    `write` makes the letter in a language. One bad address stops nobody else. Raises SkipRun while
    there are no recipients, and OSError or SMTPException when the server cannot be reached:
    then nothing was sent to those who are left, and a later try begins with them. Raises PutOff
    when it has refused somebody for the moment only and the run has a try left.
    """
    recipients: list[tuple[str, str]] = settings.HR_RECIPIENTS
    if not recipients:
        raise SkipRun("HR_RECIPIENTS names nobody")
    letters = {language: write(language) for language in {lang for _, lang in recipients}}
    done = Sending()
    connection = get_connection()
    for number, (address, language) in enumerate(recipients, start=1):
        if _may_send(report, on, address, done):
            connection.open()  # does nothing while it is open
            _send(letters[language], report, on, address, connection=connection, run=run, done=done)
        run.progress(number, len(recipients))
    _close(connection)
    if done.put_off and not run.is_last_try:
        reasons = "; ".join(f"{address}: {done.refused[address]}" for address in done.put_off)
        raise PutOff(f"{done.message} Tried again: {reasons}")
    return done


def _may_send(report: Report, on: date, address: str, done: Sending) -> bool:
    """Look whether it is worth connecting; what decides is the claim."""
    mailing = Mailing.objects.filter(report=report, nominal_on=on, recipient=address).first()
    if mailing is None or mailing.state == Mailing.State.REFUSED:
        return True
    if mailing.state == Mailing.State.SENT:
        done.already.append(address)
    else:
        done.uncertain[address] = mailing.error or "an earlier run died while it was sending"
    return False


def _send(
    letter: Letter,
    report: Report,
    on: date,
    address: str,
    *,
    connection: BaseEmailBackend,
    run: CurrentRun,
    done: Sending,
) -> None:
    with run.fenced():
        mailing = _claim(report, on, address, run=run)
    if mailing is None:
        done.already.append(address)
        return
    state, error, is_put_off = _hand_over(letter, address, connection)
    Mailing.objects.filter(pk=mailing.pk).update(
        state=state, error=error, settled_at=database_now()
    )
    if state == Mailing.State.SENT:
        done.sent.append(address)
        return
    if is_put_off:
        done.put_off.append(address)
    (done.refused if state == Mailing.State.REFUSED else done.uncertain)[address] = error
    extra = {"action": "mail_not_sent", "report": str(report), "state": str(state), "error": error}
    log.error("mail not sent", extra=extra)


def _claim(report: Report, on: date, address: str, *, run: CurrentRun) -> Mailing | None:
    """Say in the caller's transaction that this mail is being sent; None if another run does."""
    values = {"run": run.task_id, "claimed_at": database_now(), "state": Mailing.State.SENDING}
    key = {"report": report, "nominal_on": on, "recipient": address}
    mailing, is_new = Mailing.objects.get_or_create(**key, defaults=values)
    if is_new:
        return mailing
    again = Mailing.objects.filter(pk=mailing.pk, state=Mailing.State.REFUSED)
    return mailing if again.update(**values, error="", settled_at=None) else None


def _hand_over(
    letter: Letter, address: str, connection: BaseEmailBackend
) -> tuple[Mailing.State, str, bool]:
    """Return what became of the mail, why, and whether a refusal is one for the moment only."""
    mail = EmailMultiAlternatives(letter.subject, letter.text, to=[address], connection=connection)
    mail.attach_alternative(letter.html, "text/html")
    for name, content, kind in letter.attachments:
        mail.attach(name, content, kind)
    try:
        mail.send()
    except (*REFUSALS, smtplib.SMTPException, OSError) as error:
        # The server may have closed the connection with its answer: the next mail gets a new one.
        _close(connection)
        was_cut_off = not isinstance(error, REFUSALS) and _came_before_the_mail(error)
        if isinstance(error, REFUSALS) or was_cut_off:
            return Mailing.State.REFUSED, _reason(error), was_cut_off or _is_for_the_moment(error)
        # It fell silent, perhaps after it had taken the mail.
        return Mailing.State.UNCERTAIN, _reason(error), False
    return Mailing.State.SENT, "", False


def _is_for_the_moment(error: Exception) -> bool:
    """Whether the server has said that it may take the mail later (RFC 5321, 4.2.1: 4yz)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
    else:
        codes = [getattr(error, "smtp_code", 0)]
    return all(400 <= code < 500 for code in codes)


def _came_before_the_mail(error: Exception) -> bool:
    """Whether the connection was lost while the server could not have had the mail yet."""
    frames = traceback.walk_tb(error.__traceback__)
    return any(frame.f_code in BEFORE_THE_MAIL for frame, _ in frames)


def _close(connection: BaseEmailBackend) -> None:
    """Close it, however it takes its leave: that says nothing about the mails."""
    with suppress(smtplib.SMTPException, OSError):
        connection.close()


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(
            f"{code} {text.decode(errors='replace')}" for code, text in error.recipients.values()
        )
    return f"{type(error).__name__}: {error}"
