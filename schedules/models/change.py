"""What a person has said about single occurrences."""

from django.db import models
from django.db.models import Q

from schedules.models.job import Job
from schedules.states import ChangeState


class OccurrenceChange(models.Model):
    """One occurrence that is skipped, or runs at another time or with other arguments.

    It keeps its nominal time, `scheduled_at`. The row stays when its time has come, or when it is
    taken back: history is explained and verified by it.
    """

    job = models.ForeignKey(Job, models.PROTECT, related_name="changes", db_index=False)
    scheduled_at = models.DateTimeField()
    is_skipped = models.BooleanField(default=False)
    moved_to = models.DateTimeField(null=True, blank=True)
    args = models.JSONField(null=True, blank=True, help_text="Instead of the job's.")
    kwargs = models.JSONField(null=True, blank=True, help_text="Instead of the job's.")
    by = models.CharField(max_length=150)
    reason = models.TextField(blank=True)
    made_at = models.DateTimeField()
    state = models.CharField(max_length=6, choices=ChangeState, default=ChangeState.OPEN)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["job", "scheduled_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["job", "scheduled_at"],
                condition=Q(state=ChangeState.OPEN),
                name="one_open_change_per_occurrence",
            ),
            models.CheckConstraint(
                condition=Q(is_skipped=False)
                | Q(moved_to__isnull=True, args__isnull=True, kwargs__isnull=True),
                name="a_skipped_occurrence_is_nothing_else",
            ),
        ]
        indexes = [
            models.Index(fields=["job", "scheduled_at"], name="change_of_occurrence"),
        ]

    def __str__(self) -> str:
        return f"{self.job} at {self.scheduled_at}: {self.get_state_display()}"

    @property
    def words(self) -> str:
        """Who did what to the occurrence, and why."""
        if self.is_skipped:
            did = "skipped"
        elif self.moved_to is not None:
            did = f"moved to {self.moved_to:%FT%TZ}"
        else:
            did = "given other arguments"
        return f"{did} by {self.by}{f': {self.reason}' if self.reason else ''}"
