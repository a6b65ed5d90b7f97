"""What should happen: declared tasks, jobs with their policy, and which timetable was in force
when.
"""

from datetime import timedelta

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django_celery_beat.models import PeriodicTask

from schedules.querysets.jobs import JobQuerySet
from schedules.states import DayOff, JobType, OnLost, Overlap, Owner


class TaskFunction(models.Model):
    """A task that code declares with `@job`. Its number is stable, so that clients may keep it."""

    key = models.CharField(max_length=100, unique=True)
    task = models.CharField(max_length=200, unique=True, help_text="The Celery name.")
    name_en = models.CharField(max_length=255)
    name_ar = models.CharField(max_length=255, blank=True)
    name_id = models.CharField(max_length=255, blank=True)
    description_en = models.TextField(blank=True)
    description_ar = models.TextField(blank=True)
    description_id = models.TextField(blank=True)
    arguments = models.JSONField(default=dict, help_text="JSON schema of the keyword arguments.")
    is_active = models.BooleanField(default=True, help_text="False once code no longer has it.")

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.key


class Calendar(models.Model):
    """A list of days on which jobs may not run, or the only ones on which they may.

    What a job goes by is written into its timetable in force; a change here reaches it as an edit.
    """

    name = models.CharField(max_length=100, unique=True)
    dates = models.JSONField(default=list, help_text="ISO dates.")
    weekdays = models.JSONField(default=list, help_text="Listed every week: mon to sun.")
    is_allow_list = models.BooleanField(default=False)
    timezone = models.CharField(
        max_length=64,
        default="UTC",
        help_text="Whose days they are for a timetable that has no zone of its own.",
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Job(models.Model):
    """A task plus a timetable plus a policy.

    The `PeriodicTask` says when and what; this row says how, and holds what is *in force*: Beat
    plans from `timetable` and `next_due_at` alone, so that a broken schedule row elsewhere stops
    nothing.
    """

    key = models.CharField(max_length=200, unique=True)
    periodic_task = models.OneToOneField(
        PeriodicTask,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="job",
        # Other clients delete periodic tasks by SQL; the trigger tells us, a constraint would
        # refuse.
        db_constraint=False,
    )
    task_function = models.ForeignKey(
        TaskFunction, models.PROTECT, null=True, blank=True, db_index=False
    )
    task = models.CharField(max_length=200, help_text="The Celery name of the task in force.")
    args = models.JSONField(default=list, blank=True)
    kwargs = models.JSONField(default=dict, blank=True)

    name_en = models.CharField(max_length=255, blank=True)
    name_ar = models.CharField(max_length=255, blank=True)
    name_id = models.CharField(max_length=255, blank=True)
    description_en = models.TextField(blank=True)
    description_ar = models.TextField(blank=True)
    description_id = models.TextField(blank=True)

    owner = models.CharField(max_length=8, choices=Owner, default=Owner.OPERATOR)
    declared = models.JSONField(
        null=True, blank=True, help_text="What code declared at the last installation."
    )
    overridden = models.JSONField(
        default=list, blank=True, help_text="Declared fields that an operator has changed."
    )
    applied = models.JSONField(
        null=True, blank=True, help_text="What the file of timetables said when it was applied."
    )

    # The timetable as entered where django-celery-beat's tables cannot say it, and as in force.
    job_type = models.CharField(max_length=8, choices=JobType, blank=True)
    cron_text = models.CharField(max_length=255, blank=True)
    day_rule = models.CharField(
        max_length=3, default="all", choices=[("any", "any"), ("all", "all")]
    )
    interval_parts = models.JSONField(null=True, blank=True)
    interval_anchor = models.DateTimeField(null=True, blank=True)
    timetable = models.JSONField(null=True, blank=True, help_text="The timetable in force.")
    tzdata_version = models.CharField(max_length=20, blank=True)
    calendar = models.ForeignKey(Calendar, models.PROTECT, null=True, blank=True, db_index=False)
    day_off = models.CharField(
        max_length=8,
        choices=DayOff,
        default=DayOff.SKIP,
        db_default=DayOff.SKIP,
        help_text="What becomes of an occurrence on a day that the calendar does not allow.",
    )
    version = models.PositiveIntegerField(default=0)
    invalid_reason = models.TextField(
        blank=True, help_text="Why it cannot be scheduled; empty if it can."
    )
    flagged_reason = models.TextField(blank=True, help_text="What a person should look at.")

    next_run_at = models.DateTimeField(null=True, blank=True, help_text="The next occurrence.")
    next_due_at = models.DateTimeField(
        null=True, blank=True, help_text="When Beat plans it: the occurrence plus its jitter."
    )
    last_run_at = models.DateTimeField(null=True, blank=True)
    has_changes = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether changes of single occurrences wait for their time.",
    )
    ledger_from = models.DateTimeField(
        null=True, blank=True, help_text="From here on every occurrence has a row."
    )

    priority = models.SmallIntegerField(default=0, help_text="Higher first.")
    queue = models.CharField(max_length=200, blank=True)
    max_instances = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(10)]
    )
    overlap = models.CharField(max_length=14, choices=Overlap, default=Overlap.SKIP)
    misfire_grace = models.DurationField(
        null=True,
        blank=True,
        default=timedelta(seconds=60),
        help_text="How late an occurrence may still start; empty: however late.",
    )
    coalesce = models.BooleanField(default=True)
    one_off = models.BooleanField(default=False, help_text="Only the next occurrence runs.")
    jitter = models.DurationField(default=timedelta(0))
    time_limit = models.DurationField(null=True, blank=True)
    soft_time_limit = models.DurationField(null=True, blank=True)
    max_retries = models.PositiveSmallIntegerField(default=0)
    retry_delay = models.DurationField(default=timedelta(seconds=60))
    on_lost = models.CharField(max_length=5, choices=OnLost, default=OnLost.FAIL)
    exclusive = models.BooleanField(default=False)
    retention = models.DurationField(null=True, blank=True)
    checks = models.JSONField(
        null=True, blank=True, help_text="What a good result looks like; empty: not checked."
    )
    own_policy = models.JSONField(
        null=True, blank=True, help_text="Its own values, where its periodic task gives others."
    )

    is_enabled = models.BooleanField(default=True, help_text="In force; follows the periodic task.")
    is_active = models.BooleanField(
        default=True, help_text="False: deleted, with its history kept."
    )
    is_primary = models.BooleanField(
        default=False, help_text="Critical: guarded against accidents."
    )
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    paused_by = models.CharField(max_length=150, blank=True)
    pause_reason = models.TextField(blank=True)

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["key"]
        constraints = [
            models.CheckConstraint(
                condition=Q(max_instances__gte=1, max_instances__lte=10),
                name="job_max_instances_1_to_10",
            ),
        ]
        indexes = [
            # A tick asks for what is due; jobs that never fire are not in this index.
            models.Index(
                fields=["next_due_at"], condition=Q(next_due_at__isnull=False), name="job_due"
            ),
            # What Beat looks after every few seconds: pauses with an end, and what it cannot read.
            models.Index(
                fields=["paused_until"],
                condition=Q(paused_until__isnull=False),
                name="job_pause_ends",
            ),
            models.Index(fields=["id"], condition=Q(timetable__isnull=True), name="job_unreadable"),
            # A job is written with each of its occurrences, and few have these: no entry for none.
            *(
                models.Index(
                    fields=[name], condition=Q((f"{name}__isnull", False)), name=f"job_{short}"
                )
                for name, short in (
                    ("task_function", "of_function"),
                    ("calendar", "of_calendar"),
                    ("created_by", "created_by"),
                    ("updated_by", "updated_by"),
                )
            ),
            # How many there are is how many rows there are less these.
            models.Index(fields=["id"], condition=Q(is_active=False), name="job_deleted"),
            # Whether there is anything to check at all.
            models.Index(fields=["id"], condition=Q(checks__isnull=False), name="job_checked"),
        ]

    def __str__(self) -> str:
        return self.name_en or self.key

    @property
    def is_paused(self) -> bool:
        """Whether a pause is set. It may have an end, which only a comparison with now can tell."""
        return self.paused_at is not None


class ScheduleVersion(models.Model):
    """Which timetable, pause and policy of a job were in force from when; what `verify` recomputes
    from.
    """

    job = models.ForeignKey(Job, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    effective_at = models.DateTimeField()
    timetable = models.JSONField(null=True)
    policy = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    changed_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["job", "number"]
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="one_version_per_number"),
        ]

    def __str__(self) -> str:
        return f"{self.job} v{self.number}"
