"""Raw punches, as the clocks at the doors report them. They are kept for ever and never changed."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Exists, OuterRef, Q

from tasks.people.models import Employee

if TYPE_CHECKING:
    from datetime import datetime


class Direction(models.TextChoices):
    """Which way somebody went, if the device tells."""

    UNKNOWN = "", "not told"
    IN = "in", "in"
    OUT = "out", "out"


class PunchState(models.TextChoices):
    """Whether a punch has found its way into the attendance."""

    PENDING = "pending", "pending"
    DONE = "done", "counted"
    UNKNOWN = "unknown", "unknown code"


class PunchQuerySet(models.QuerySet["PunchLog"]):
    """Punches by how far they have come."""

    def pending(self, *, until: "datetime") -> "PunchQuerySet":
        """Punches up to the instant `until` that have not been counted."""
        return self.filter(state=PunchState.PENDING, at__lte=until)

    def unknown(self) -> "PunchQuerySet":
        """Punches whose code no employee had when they were counted."""
        return self.filter(state=PunchState.UNKNOWN)

    def hired_since(self) -> "PunchQuerySet":
        """Unknown punches whose code has an employee by now."""
        return self.unknown().filter(
            Exists(Employee.objects.filter(code=OuterRef("employee_code")))
        )


class PunchLog(models.Model):
    """One punch. The same punch reported twice is one row: device, instant and code name it."""

    employee_code = models.CharField(max_length=50)
    at = models.DateTimeField()
    device = models.CharField(max_length=100, blank=True)
    direction = models.CharField(max_length=3, choices=Direction, blank=True, default="")
    state = models.CharField(
        max_length=7, choices=PunchState, default=PunchState.PENDING, editable=False
    )
    upload = models.UUIDField(
        null=True, blank=True, editable=False, help_text="The report that brought the punch first."
    )
    received_at = models.DateTimeField(auto_now_add=True)

    objects = PunchQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = "punch"
        verbose_name_plural = "punches"
        constraints = [
            models.CheckConstraint(
                condition=Q(direction__in=["", *Direction.values]),
                name="a_punch_has_a_known_direction",
            ),
            models.CheckConstraint(
                condition=Q(state__in=PunchState.values), name="a_punch_has_a_known_state"
            ),
            models.UniqueConstraint(
                fields=["employee_code", "at", "device"], name="one_punch_per_code_instant_device"
            ),
            models.CheckConstraint(condition=~Q(employee_code=""), name="a_punch_has_a_code"),
        ]
        indexes = [
            models.Index(fields=["state", "employee_code", "at"], name="punch_by_state"),
            models.Index(fields=["-at", "-id"], name="punch_by_time"),
            models.Index(fields=["upload"], name="punch_by_upload"),
        ]

    def __str__(self) -> str:
        return f"{self.employee_code} at {self.at:%Y-%m-%d %H:%M:%S}Z"
