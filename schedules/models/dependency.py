"""Jobs that run after others."""

from django.db import models
from django.db.models import F, Q

from schedules.models.job import Job
from schedules.states import After


class Dependency(models.Model):
    """`job` runs once after each run of `upstream` that ends as `on` says.

    One that was taken away keeps its row, with its end, so that history can be explained.
    """

    job = models.ForeignKey(Job, models.PROTECT, related_name="dependencies", db_index=False)
    upstream = models.ForeignKey(Job, models.PROTECT, related_name="dependents", db_index=False)
    on = models.CharField(max_length=9, choices=After, default=After.SUCCEEDED)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "dependencies"
        ordering = ["job", "upstream", "since"]
        constraints = [
            models.UniqueConstraint(
                fields=["job", "upstream"],
                condition=Q(until__isnull=True),
                name="one_dependency_per_pair",
            ),
            models.CheckConstraint(condition=~Q(job=F("upstream")), name="no_job_after_itself"),
        ]
        indexes = [
            # Asked at the end of every run of a job.
            models.Index(
                fields=["upstream"], condition=Q(until__isnull=True), name="dependency_upstream"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job} after {self.upstream} {self.get_on_display()}"
