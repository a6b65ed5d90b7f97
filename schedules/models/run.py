"""What happened and what is about to: runs and their attempts."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.lookups import Exact, In, IsNull

from schedules.models.backfill import Backfill
from schedules.models.fields import CeleryJSONField
from schedules.models.job import Job
from schedules.querysets.runs import RunQuerySet
from schedules.states import FINAL, NOT_OVER, WAITING, Origin, RunState


class Run(models.Model):
    """One occurrence of a job, or one one-off call. The row, not the broker's message, decides.

    A row with `until` stands for a whole range of occurrences that share one outcome.
    """

    job = models.ForeignKey(
        Job, models.PROTECT, null=True, blank=True, related_name="runs", db_index=False
    )
    job_key = models.CharField(max_length=200, blank=True)
    origin = models.CharField(max_length=10, choices=Origin)
    task_id = models.UUIDField(unique=True, default=uuid.uuid4)
    # NULL and not "", because a unique index counts empty texts as equal.
    natural_key = models.CharField(  # noqa: DJ001
        max_length=200, null=True, blank=True, help_text="The subject of a one-off call."
    )
    idempotency_key = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001

    task = models.CharField(max_length=200)
    args = CeleryJSONField(default=list, blank=True)
    kwargs = CeleryJSONField(default=dict, blank=True)
    options = CeleryJSONField(
        default=dict, blank=True, help_text="What follows and how: links, chain, chord, limits."
    )

    scheduled_at = models.DateTimeField(help_text="The nominal instant.")
    until = models.DateTimeField(null=True, blank=True, help_text="Last occurrence of a range.")
    count = models.IntegerField(default=1, help_text="Occurrences this row stands for.")
    due_at = models.DateTimeField(help_text="When it may start.")
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="When it may no longer start."
    )
    publish_at = models.DateTimeField(
        null=True, blank=True, help_text="When it is (next) offered to the broker."
    )

    state = models.CharField(max_length=9, choices=RunState, default=RunState.PLANNED)
    attempt = models.SmallIntegerField(default=0, help_text="Tries begun.")
    retries = models.SmallIntegerField(default=0, help_text="Celery's count of retry().")
    slot = models.SmallIntegerField(null=True, blank=True)
    priority = models.SmallIntegerField(default=0)
    queue = models.CharField(max_length=200, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    sends = models.SmallIntegerField(default=0)

    instance_id = models.UUIDField(
        null=True, blank=True, help_text="Who runs it, or decided about it."
    )
    pid = models.IntegerField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    reason = models.TextField(blank=True)
    error = models.TextField(blank=True)
    summary = models.TextField(blank=True)
    progress = models.JSONField(null=True, blank=True)
    log = models.TextField(blank=True)
    suspect_reason = models.TextField(blank=True)
    requested_by = models.CharField(max_length=150, blank=True)
    parent_id = models.UUIDField(null=True, blank=True)
    backfill = models.ForeignKey(
        Backfill, models.PROTECT, null=True, blank=True, related_name="runs", db_index=False
    )
    dismissed_at = models.DateTimeField(
        null=True, blank=True, help_text="When a person said that a missed run needs nothing more."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-scheduled_at", "-id"]
        # PostgreSQL reads the text of each CHECK anew for every statement that writes here: so they
        # are few and short, and there is none for numbers that only count up.
        constraints = [
            models.UniqueConstraint(
                fields=["job", "scheduled_at"],
                condition=Q(origin=Origin.TIMETABLE),
                name="one_run_per_occurrence",
            ),
            models.UniqueConstraint(
                fields=["natural_key"],
                condition=Q(state__in=sorted(WAITING), natural_key__isnull=False),
                name="one_waiting_run_per_subject",
            ),
            models.UniqueConstraint(
                fields=["idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="one_run_per_idempotency_key",
            ),
            models.UniqueConstraint(
                fields=["job", "slot"],
                condition=Q(state=RunState.RUNNING),
                name="one_running_run_per_slot",
            ),
            models.CheckConstraint(
                condition=~Q(state=RunState.RUNNING) | Q(job__isnull=True) | Q(slot__isnull=False),
                name="a_running_run_has_a_slot",
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=False) | Q(state__in=sorted(NOT_OVER)),
                name="a_final_run_has_an_end",
            ),
            # So the outbox can neither forget a run nor send one that nobody waits for.
            models.CheckConstraint(
                condition=Exact(
                    IsNull(F("publish_at"), rhs=False), In(F("state"), sorted(WAITING))
                ),
                name="a_waiting_run_is_in_the_outbox",
            ),
        ]
        # Conditions are on NULL and not on states: SQLite uses a partial index only where it can
        # prove the condition, which it cannot from a parameter. What most rows do not have is in no
        # index: both databases would write an entry for each NULL, on PostgreSQL at every change of
        # the row, and a run changes four times.
        indexes = [
            # The outbox: small, because only what waits is in it.
            models.Index(
                fields=["publish_at"], condition=Q(publish_at__isnull=False), name="run_outbox"
            ),
            models.Index(
                fields=["expires_at"],
                condition=Q(publish_at__isnull=False, expires_at__isnull=False),
                name="run_expiring",
            ),
            models.Index(
                fields=["natural_key"],
                condition=Q(natural_key__isnull=False),
                name="run_by_subject",
            ),
            models.Index(
                fields=["parent_id"], condition=Q(parent_id__isnull=False), name="run_by_parent"
            ),
            models.Index(
                fields=["backfill", "state"],
                condition=Q(backfill__isnull=False),
                name="run_of_backfill",
            ),
            models.Index(fields=["state", "-scheduled_at", "-id"], name="run_by_state"),
            models.Index(fields=["job", "-scheduled_at", "-id"], name="run_of_job"),
            models.Index(fields=["-scheduled_at", "-id"], name="run_by_time"),
            models.Index(
                fields=["finished_at"], condition=Q(finished_at__isnull=False), name="run_finished"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_key or self.task} at {self.scheduled_at:%Y-%m-%d %H:%M:%S}Z"

    @property
    def is_final(self) -> bool:
        """Whether the run has its outcome."""
        return self.state in FINAL


class Attempt(models.Model):
    """One ended try of a run. The try in progress is on the run itself."""

    run = models.ForeignKey(Run, models.PROTECT, related_name="attempts", db_index=False)
    number = models.SmallIntegerField()
    instance_id = models.UUIDField(null=True, blank=True)
    pid = models.IntegerField(null=True, blank=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField()
    outcome = models.CharField(max_length=9, choices=RunState)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["run", "number"]
        constraints = [
            models.UniqueConstraint(fields=["run", "number"], name="one_attempt_per_number"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of run {self.run_id}"
