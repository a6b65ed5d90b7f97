"""Employees."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models

if TYPE_CHECKING:
    from datetime import date


def validate_time_zone(name: str) -> None:
    """Raise ValidationError unless `name` is a time zone of the IANA database."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValidationError(
            f"timezone is {name!r}: an IANA time zone, for example Asia/Jakarta."
        ) from None


class EmployeeQuerySet(models.QuerySet["Employee"]):
    """Employees by whether they work here."""

    def active(self) -> "EmployeeQuerySet":
        """Those who work here at present."""
        return self.filter(is_active=True)


class Employee(models.Model):
    """A person who works, or has worked, for the company."""

    code = models.CharField(max_length=50, unique=True, help_text="The number on the badge.")
    name = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    is_active = models.BooleanField(
        default=True, db_index=True, help_text="Untick instead of deleting: attendance stays."
    )
    timezone = models.CharField(
        max_length=64,
        default="Asia/Jakarta",
        validators=[validate_time_zone],
        help_text="Decides which day a clock-in belongs to.",
    )
    work_starts_at = models.TimeField(
        null=True,
        blank=True,
        help_text="On the clocks where the employee works; empty: never late.",
    )
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="employee"
    )
    birth_date = models.DateField(null=True, blank=True)
    hired_on = models.DateField(null=True, blank=True)

    objects = EmployeeQuerySet.as_manager()

    class Meta:
        ordering = ["code"]
        permissions = [("see_oneself", "May see one's own employee row")]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"

    def has_zone(self) -> bool:
        """Whether the time zone exists; nothing but SQL can write one that does not."""
        try:
            validate_time_zone(self.timezone)
        except ValidationError:
            return False
        return True

    def on_the_wall(self, at: datetime) -> datetime:
        """Return the instant as the employee's clocks show it, to be read by people; in UTC where
        the zone does not exist.
        """
        return at.astimezone(ZoneInfo(self.timezone) if self.has_zone() else UTC)

    def local_day(self, at: datetime) -> "date":
        """Return the date on the employee's own wall at the aware instant `at`."""
        return at.astimezone(ZoneInfo(self.timezone)).date()

    def work_starts_on(self, day: "date") -> datetime | None:
        """Return the instant (UTC) at which work starts on `day`; None where no time is set."""
        if self.work_starts_at is None:
            return None
        zone = ZoneInfo(self.timezone)
        return datetime.combine(day, self.work_starts_at, tzinfo=zone).astimezone(UTC)
