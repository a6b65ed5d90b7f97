"""Requests for leave."""

from typing import TYPE_CHECKING, TypeAlias

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from schedules.public import InvalidInput
from tasks.people.models import Employee

if TYPE_CHECKING:
    from datetime import date, datetime


class LeaveQuerySet(models.QuerySet["LeaveRequest"]):
    """Requests by what has become of them."""

    def pending_since_before(self, instant: "datetime") -> "LeaveQuerySet":
        """Requests made before `instant` that nobody has decided."""
        status = LeaveRequest.Status.PENDING
        return self.filter(status=status, requested_at__lt=instant)

    def approved(self) -> "LeaveQuerySet":
        """Leave that was granted."""
        return self.filter(status=LeaveRequest.Status.APPROVED)

    def covering(self, day: "date | F") -> "LeaveQuerySet":
        """Requests whose days include `day`."""
        return self.filter(starts_on__lte=day, ends_on__gte=day)

    def overlapping(self, first: "date", last: "date") -> "LeaveQuerySet":
        """Requests that stand and share a day with the days from `first` to `last`."""
        return self.filter(status__in=STANDING, starts_on__lte=last, ends_on__gte=first)


class LeaveStatus(models.TextChoices):
    """What has become of the request."""

    PENDING = "pending", "pending"
    APPROVED = "approved", "approved"
    REJECTED = "rejected", "rejected"
    WITHDRAWN = "withdrawn", "withdrawn"
    EXPIRED = "expired", "expired"


STANDING = (LeaveStatus.PENDING, LeaveStatus.APPROVED)
"""Requests that stand: their days are nobody else's, and they may be changed."""


class LeaveRequest(models.Model):
    """Days on which an employee wishes to stay away; both ends are included."""

    Status: TypeAlias = LeaveStatus

    employee = models.ForeignKey(Employee, models.PROTECT, related_name="leave_requests")
    starts_on = models.DateField()
    ends_on = models.DateField(help_text="The last day of the leave.")
    reason = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    requested_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = LeaveQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_on", "employee"]
        permissions = [("ask_for_leave", "May ask for leave for oneself, and withdraw it")]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=LeaveStatus.values),
                name="a_leave_request_has_a_known_status",
            ),
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")), name="leave_ends_after_it_starts"
            ),
        ]
        indexes = [
            models.Index(fields=["status", "requested_at"], name="leave_by_status"),
            models.Index(fields=["employee", "starts_on"], name="leave_by_employee"),
        ]

    def __str__(self) -> str:
        return f"{self.employee}: {self.starts_on} to {self.ends_on}, {self.status}"

    def clean(self) -> None:
        """Refuse leave that ends before it starts."""
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            accepted = f"not before starts_on ({self.starts_on.isoformat()})"
            error = InvalidInput("ends_on", self.ends_on.isoformat(), accepted)
            raise ValidationError({"ends_on": str(error)})
