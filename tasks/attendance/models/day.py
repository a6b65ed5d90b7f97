"""Attendance: one row for each employee and day."""

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Count, F, Q

from schedules.public import InvalidInput
from tasks.people.models import Employee

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID


class Status(models.TextChoices):
    """How the day went."""

    ABSENT = "absent", "absent"
    PRESENT = "present", "present"
    LATE = "late", "late"
    ON_LEAVE = "on_leave", "on leave"


class Source(models.TextChoices):
    """Where a row's times and status come from."""

    NONE = "", "nobody yet"
    PUNCHES = "punches", "punches"
    HAND = "hand", "a person"


class AttendanceQuerySet(models.QuerySet["Attendance"]):
    """Attendance by what is still open."""

    def by_punches(self) -> "AttendanceQuerySet":
        """Rows that punches may change: those that no person has entered."""
        return self.exclude(source=Source.HAND)

    def clocked_in_between(self, earliest: "datetime", latest: "datetime") -> "AttendanceQuerySet":
        """Rows with a clock-in in this span, the last one first."""
        return self.filter(clock_in_at__gt=earliest, clock_in_at__lte=latest).order_by(
            "-clock_in_at"
        )

    def without_clock_in(
        self, employee_ids: "Sequence[int]", *, day: "date"
    ) -> "AttendanceQuerySet":
        """Rows of these employees on `day` on which nobody came, and that no person has entered."""
        rows = self.filter(date=day, employee_id__in=employee_ids, clock_in_at__isnull=True)
        return rows.by_punches()

    def count_by_status(self, day: "date") -> dict[str, int]:
        """How many rows of `day` have each status, in the order of the statuses."""
        counted = self.filter(date=day).order_by().values_list("status").annotate(Count("pk"))
        counts = dict(counted)
        return {str(status): counts.get(status, 0) for status in Status}

    def made_by_run(self, run: "UUID", *, day: "date") -> "AttendanceQuerySet":
        """The rows that the run with this id made for `day`."""
        return self.filter(date=day, made_by=run)


class Attendance(models.Model):
    """One employee's day. It begins as absent, or on leave; a clock-in makes absent present."""

    employee = models.ForeignKey(
        Employee, models.PROTECT, related_name="attendances", db_index=False
    )
    date = models.DateField(help_text="The day where the employee works.")
    status = models.CharField(max_length=8, choices=Status, default=Status.ABSENT)
    clock_in_at = models.DateTimeField(null=True, blank=True)
    clock_out_at = models.DateTimeField(null=True, blank=True)
    source = models.CharField(
        max_length=7,
        choices=Source,
        default=Source.NONE,
        blank=True,
        editable=False,
        help_text="Punches do not change what a person has entered.",
    )
    made_by = models.UUIDField(
        null=True,
        blank=True,
        editable=False,
        help_text="The run that made the row; empty for one that began with a clock-in.",
    )

    objects = AttendanceQuerySet.as_manager()

    class Meta:
        ordering = ["-date", "employee"]
        verbose_name_plural = "attendance"
        permissions = [("clock_oneself", "May clock in and out, and see one's own days")]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="an_attendance_has_a_known_status"
            ),
            models.CheckConstraint(
                condition=Q(source__in=Source.values), name="an_attendance_has_a_known_source"
            ),
            models.UniqueConstraint(
                fields=["employee", "date"], name="one_attendance_per_employee_and_day"
            ),
            models.CheckConstraint(
                condition=Q(clock_out_at__isnull=True) | Q(clock_out_at__gte=F("clock_in_at")),
                name="a_clock_out_follows_its_clock_in",
            ),
        ]
        indexes = [models.Index(fields=["date", "status"], name="attendance_by_day")]

    def __str__(self) -> str:
        return f"{self.employee} on {self.date}: {self.get_status_display()}"

    def clean(self) -> None:
        """Refuse a clock-out without a clock-in, or before it."""
        if not self.clock_out_at:
            return
        found = self.clock_out_at.isoformat()
        if not self.clock_in_at:
            error = InvalidInput("clock_out_at", found, "empty while there is no clock-in")
        elif self.clock_out_at < self.clock_in_at:
            accepted = f"not before clock_in_at ({self.clock_in_at.isoformat()})"
            error = InvalidInput("clock_out_at", found, accepted)
        else:
            return
        raise ValidationError({"clock_out_at": str(error)})
