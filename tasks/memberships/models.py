"""Memberships."""

from typing import TYPE_CHECKING, TypeAlias

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from schedules.public import InvalidInput

if TYPE_CHECKING:
    from datetime import datetime


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Memberships by whether they are in force."""

    def active(self) -> "MembershipQuerySet":
        """Those in force, as far as anybody has noticed."""
        return self.filter(status=Membership.Status.ACTIVE)

    def over(self, at: "datetime") -> "MembershipQuerySet":
        """Active ones whose end had come by the instant `at`."""
        return self.active().filter(ends_at__lte=at)


class MembershipStatus(models.TextChoices):
    """Where a membership stands."""

    ACTIVE = "active", "active"
    EXPIRED = "expired", "expired"
    CANCELLED = "cancelled", "cancelled"


class Membership(models.Model):
    """Somebody's membership. Its end is the first instant at which it is no longer in force."""

    Status: TypeAlias = MembershipStatus

    member = models.CharField(max_length=200, help_text="The member's name.")
    email = models.EmailField(blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="memberships"
    )
    plan = models.CharField(max_length=100)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True, help_text="Empty: it has no end.")
    status = models.CharField(max_length=9, choices=Status, default=Status.ACTIVE)
    expired_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["member", "starts_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=MembershipStatus.values),
                name="a_membership_has_a_known_status",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="a_membership_ends_after_it_starts",
            ),
        ]
        indexes = [models.Index(fields=["status", "ends_at"], name="membership_by_end")]

    def __str__(self) -> str:
        return f"{self.member}: {self.plan}, {self.get_status_display()}"

    def clean(self) -> None:
        """Refuse a membership that ends before it starts."""
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            accepted = f"later than starts_at ({self.starts_at.isoformat()}), or empty"
            error = InvalidInput("ends_at", self.ends_at.isoformat(), accepted)
            raise ValidationError({"ends_at": str(error)})
