"""Who is told what: channels, rules, what is going on, and what was told."""

import uuid
from datetime import timedelta

from django.db import models
from django.db.models import Q

from schedules.models.job import Job
from schedules.states import AlertKind, ChannelKind, DeliveryState


class AlertChannel(models.Model):
    """A place that alerts go to. What it signs with is derived and never stored."""

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=7, choices=ChannelKind)
    target = models.TextField(help_text="Addresses with commas, or the URL that is called.")
    key_number = models.PositiveIntegerField(
        default=1, help_text="Which signing key is in force; a new number ends the old key."
    )
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class AlertRule(models.Model):
    """What is told to whom: one kind of event, of one job or of all."""

    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=12, choices=AlertKind)
    job = models.ForeignKey(
        Job,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="alert_rules",
        help_text="Empty: every job.",
    )
    channels = models.ManyToManyField(AlertChannel, blank=True, related_name="rules")
    times = models.PositiveSmallIntegerField(
        default=1, help_text="How many failures in a row, where they are counted."
    )
    after = models.DurationField(
        null=True, blank=True, help_text="How long it takes, where the rule is about a time."
    )
    gather = models.DurationField(
        default=timedelta(minutes=1),
        help_text="Alerts of this long are told together; 0: each by itself.",
    )
    is_enabled = models.BooleanField(default=True)
    muted_at = models.DateTimeField(null=True, blank=True)
    muted_until = models.DateTimeField(null=True, blank=True, help_text="Empty: until unmuted.")
    muted_by = models.CharField(max_length=150, blank=True)
    mute_reason = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class AlertEpisode(models.Model):
    """A condition that holds and that was told once. Gone when the condition is."""

    rule = models.ForeignKey(AlertRule, models.CASCADE, related_name="episodes")
    subject = models.CharField(max_length=200, blank=True, help_text="Whose condition it is.")
    since = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rule", "subject"], name="one_episode_per_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.rule}: {self.subject or 'the scheduler'}"


class Delivery(models.Model):
    """One message to one channel about one alert or many, and what became of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    channel = models.ForeignKey(
        AlertChannel, models.SET_NULL, null=True, blank=True, related_name="deliveries"
    )
    channel_name = models.CharField(max_length=100)
    rule = models.ForeignKey(
        AlertRule, models.SET_NULL, null=True, blank=True, related_name="deliveries"
    )
    rule_name = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=12, choices=AlertKind)
    state = models.CharField(max_length=9, choices=DeliveryState, default=DeliveryState.GATHERING)
    count = models.PositiveIntegerField(default=1, help_text="Alerts it tells of.")
    opened_at = models.DateTimeField()
    last_at = models.DateTimeField(help_text="When the latest of its alerts arose.")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Sendings begun.")
    next_at = models.DateTimeField(
        null=True, blank=True, help_text="When it may (again) be sent; empty once it is over."
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=200, blank=True, help_text="What the channel answered.")
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-opened_at", "-id"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "channel"],
                condition=Q(state=DeliveryState.GATHERING),
                name="one_gathering_delivery",
            ),
        ]
        indexes = [
            models.Index(fields=["-opened_at", "-id"], name="delivery_by_time"),
            models.Index(
                fields=["next_at"], condition=Q(next_at__isnull=False), name="delivery_due"
            ),
            models.Index(fields=["channel", "-opened_at"], name="delivery_by_channel"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_name or self.kind} to {self.channel_name}"


class Alert(models.Model):
    """One thing worth telling. A delivery keeps the first of many and counts the rest."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="alerts")
    at = models.DateTimeField()
    job_key = models.CharField(max_length=200, blank=True)
    execution_id = models.UUIDField(null=True, blank=True)
    text = models.TextField()
    facts = models.JSONField(default=dict, blank=True, help_text="For programs.")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text
