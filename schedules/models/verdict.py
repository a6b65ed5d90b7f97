"""What the outcome checks of a job said about a run that succeeded."""

from django.db import models
from django.db.models import Q

from schedules.models.run import Run


class Verdict(models.Model):
    """A run that was checked. Its row is there exactly once, so no run is checked twice."""

    run = models.OneToOneField(Run, models.PROTECT, primary_key=True, related_name="verdict")
    at = models.DateTimeField()
    suspect_at = models.DateTimeField(
        null=True, blank=True, help_text="The same instant if a check did not hold."
    )
    findings = models.JSONField(
        default=list, help_text="For each check: its text, whether it holds, why not, its numbers."
    )

    class Meta:
        indexes = [
            models.Index(
                fields=["suspect_at"],
                condition=Q(suspect_at__isnull=False),
                name="verdict_suspect",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run}: {'sound' if self.suspect_at is None else 'suspect'}"
