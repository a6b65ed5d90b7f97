"""Outcomes added up by day: what pages show of a year without reading a year's runs."""

from django.db import models

from schedules.models.job import Job
from schedules.states import RunState


class DayTotal(models.Model):
    """How many occurrences of a job that were due on one UTC day ended in one state.

    Kept when the runs themselves are deleted.
    """

    job = models.ForeignKey(Job, models.PROTECT, related_name="day_totals", db_index=False)
    day = models.DateField()
    state = models.CharField(max_length=9, choices=RunState)
    number = models.PositiveIntegerField(default=0)
    took_ms = models.BigIntegerField(
        default=0, help_text="Milliseconds that those which were executed took together."
    )

    class Meta:
        verbose_name_plural = "day totals"
        constraints = [
            models.UniqueConstraint(fields=["job", "day", "state"], name="one_total_per_day"),
        ]
        indexes = [models.Index(fields=["day", "job"], name="totals_by_day")]

    def __str__(self) -> str:
        return f"{self.job} on {self.day}: {self.number} {self.state}"
