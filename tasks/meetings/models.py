"""Meetings, and the timer by which the run that ends a meeting follows its row."""

from datetime import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from schedules.public import InvalidInput, Timer
from tasks.meetings.status import Status


class MeetingQuerySet(models.QuerySet["Meeting"]):
    """Meetings by where they stand."""

    def upcoming(self) -> "MeetingQuerySet":
        """Those that have still to end."""
        return self.filter(status=Status.UPCOMING)

    def over(self, now: datetime) -> "MeetingQuerySet":
        """Those whose end has come."""
        return self.filter(end_time__lte=now)

    def mark_done(self) -> int:
        """Set the status and leave the runs alone: for the run itself, which is about to end."""
        return super().update(status=Status.DONE)


class Meeting(models.Model):
    """A meeting. While it is upcoming a run waits in the ledger that ends it at `end_time`."""

    title = models.CharField(max_length=200)
    start_time = models.DateTimeField()
    end_time = models.DateTimeField()
    status = models.CharField(max_length=9, choices=Status, default=Status.UPCOMING)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="meetings"
    )

    objects = MeetingQuerySet.as_manager()

    class Meta:
        ordering = ["start_time", "id"]
        # Also what Django does behind the scenes goes through a manager that the timer has adopted.
        base_manager_name = "objects"
        permissions = [("hold_meetings", "May hold meetings of one's own")]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="a_meeting_has_a_known_status"
            ),
            models.CheckConstraint(
                condition=Q(end_time__gt=F("start_time")), name="a_meeting_ends_after_it_starts"
            ),
        ]
        indexes = [
            # Recovery looks at upcoming meetings only; of the others there will be many more.
            models.Index(
                fields=["end_time"], condition=Q(status=Status.UPCOMING), name="meeting_upcoming"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        """Refuse an end before the start."""
        if self.start_time and self.end_time and self.end_time <= self.start_time:
            accepted = f"later than start_time ({self.start_time.isoformat()})"
            error = InvalidInput("end_time", self.end_time.isoformat(), accepted)
            raise ValidationError({"end_time": str(error)})


MEETING_ENDS = Timer(
    Meeting,
    at="end_time",
    while_=Q(status=Status.UPCOMING),
    run="meetings.end_meeting",  # by its name: its module imports this one
)
