"""Occurrences of the past that an operator lets run after all, a few at a time."""

import uuid

from django.db import models
from django.db.models import Q

from schedules.models.job import Job
from schedules.states import BackfillState, Which


class Backfill(models.Model):
    """A range of a job's occurrences that are run again, at most `at_once` of them at a time.

    Which ones was settled when it was made and does not change after that; `planned` says how many
    of them have their run. Beat plans the others as earlier ones end.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    job = models.ForeignKey(Job, models.PROTECT, related_name="backfills")
    first = models.DateTimeField(help_text="Begin of the range, included.")
    last = models.DateTimeField(help_text="End of the range, included.")
    which = models.CharField(max_length=6, choices=Which)
    newest_first = models.BooleanField(default=False)
    at_once = models.PositiveSmallIntegerField(default=1)
    occurrences = models.JSONField(default=list, help_text="The instants, in the order of running.")
    total = models.PositiveIntegerField()
    planned = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=9, choices=BackfillState, default=BackfillState.OPEN)
    reason = models.TextField(blank=True)
    requested_by = models.CharField(max_length=150, blank=True)
    idempotency_key = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001
    intention = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="Digest of what was asked for under the key.",
    )
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(at_once__gte=1, at_once__lte=10), name="backfill_at_once_1_to_10"
            ),
            models.CheckConstraint(
                condition=Q(state=BackfillState.OPEN) | Q(ended_at__isnull=False),
                name="an_ended_backfill_has_an_end",
            ),
            models.UniqueConstraint(
                fields=["idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="one_backfill_per_idempotency_key",
            ),
        ]
        indexes = [
            # Beat asks for what is open; what has ended is not in this index.
            models.Index(
                fields=["created_at"], condition=Q(ended_at__isnull=True), name="backfill_open"
            ),
        ]

    def __str__(self) -> str:
        return f"backfill of {self.job} from {self.first:%Y-%m-%d %H:%M}Z"
