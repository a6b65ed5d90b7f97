"""Which report went to whom. The row comes before the mail, so that no mail goes twice."""

from typing import TypeAlias

from django.db import models
from django.db.models import Q


class Report(models.TextChoices):
    """The reports there are."""

    ATTENDANCE_SUMMARY = "attendance_summary", "attendance summary"
    WEEKLY_REPORT = "weekly_report", "weekly report"
    BIRTHDAYS = "birthdays", "birthdays"


class MailState(models.TextChoices):
    """What is known of the mail."""

    SENDING = "sending", "sending, or its sender died"
    SENT = "sent", "taken by the mail server"
    REFUSED = "refused", "refused by the mail server"
    UNCERTAIN = "uncertain", "the mail server fell silent"


class Mailing(models.Model):
    """One report of one date to one recipient. Only one that was refused is ever sent again."""

    State: TypeAlias = MailState

    report = models.CharField(max_length=30, choices=Report)
    nominal_on = models.DateField(help_text="The date the report is of, in Jakarta.")
    recipient = models.EmailField()
    state = models.CharField(max_length=9, choices=State, default=State.SENDING)
    run = models.UUIDField(help_text="The run that (last) sent it.")
    error = models.TextField(blank=True)
    claimed_at = models.DateTimeField(help_text="When the sending began.")
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-nominal_on", "report", "recipient"]
        constraints = [
            models.CheckConstraint(
                condition=Q(report__in=Report.values), name="a_mailing_has_a_known_report"
            ),
            models.CheckConstraint(
                condition=Q(state__in=MailState.values), name="a_mailing_has_a_known_state"
            ),
            models.UniqueConstraint(
                fields=["report", "nominal_on", "recipient"],
                name="one_mailing_per_report_date_recipient",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.report} of {self.nominal_on} to {self.recipient}: {self.state}"
