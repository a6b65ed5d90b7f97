"""Figures that only grow, kept because the rows they come from are deleted one day."""

from django.db import models


class Tally(models.Model):
    """How much there has been of something, for one job and one label."""

    metric = models.CharField(max_length=20)
    job_key = models.CharField(max_length=200, blank=True)
    label = models.CharField(max_length=40, blank=True)
    value = models.FloatField(default=0)

    class Meta:
        verbose_name_plural = "tallies"
        constraints = [
            models.UniqueConstraint(fields=["metric", "job_key", "label"], name="one_tally_each"),
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.job_key} {self.label}: {self.value:g}"
