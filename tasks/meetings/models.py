"""Meetings. Writing one keeps its run: a stated exception to "no `save` override"."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F, Q

from schedules.public import InvalidInput
from tasks.meetings.querysets import DECISIVE, MeetingQuerySet
from tasks.meetings.runs import drop_ends
from tasks.meetings.status import Status


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
        # Also what Django does behind the scenes goes through the queryset that keeps the runs.
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

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save as Django does, and set the meeting's run right in the same transaction."""
        written = kwargs.get("update_fields")
        if written is not None and not DECISIVE & set(written):
            super().save(*args, **kwargs)
            return
        with transaction.atomic(using=kwargs.get("using")):
            super().save(*args, **kwargs)
            type(self).objects.using(self._state.db).keep_runs([self.pk])

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete as Django does, and cancel the meeting's run in the same transaction."""
        meeting_id = self.pk
        with transaction.atomic(using=kwargs.get("using")):
            deleted = super().delete(*args, **kwargs)
            drop_ends([meeting_id], reason="the meeting was deleted")
        return deleted

    def clean(self) -> None:
        """Refuse an end before the start."""
        if self.start_time and self.end_time and self.end_time <= self.start_time:
            accepted = f"later than start_time ({self.start_time.isoformat()})"
            error = InvalidInput("end_time", self.end_time.isoformat(), accepted)
            raise ValidationError({"end_time": str(error)})
