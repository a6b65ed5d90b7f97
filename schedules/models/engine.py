"""The engine's own bookkeeping: who is alive, what was edited, what is halted."""

import uuid

from django.db import models

from schedules.querysets.instances import InstanceQuerySet
from schedules.states import InstanceKind, InstanceMode, InstanceStatus


class Instance(models.Model):
    """A Beat or a worker. Its heartbeat is the lease on the runs it owns."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    kind = models.CharField(max_length=6, choices=InstanceKind)
    name = models.CharField(max_length=255)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    mode = models.CharField(max_length=10, choices=InstanceMode, default=InstanceMode.STANDALONE)
    status = models.CharField(max_length=8, choices=InstanceStatus, default=InstanceStatus.STARTING)
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True, blank=True)
    tick_rate = models.FloatField(
        null=True, blank=True, help_text="Of a Beat: ticks a second, between its last heartbeats."
    )
    longest_tick = models.DurationField(
        null=True, blank=True, help_text="Of a Beat: its longest tick between its last heartbeats."
    )

    objects = InstanceQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "-started_at"]

    def __str__(self) -> str:
        return self.name


class Touched(models.Model):
    """A periodic task whose row, or whose schedule's row, has changed. Written by database
    triggers.
    """

    periodic_task_id = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "touched"

    def __str__(self) -> str:
        return f"periodic task {self.periodic_task_id}"


class GlobalPause(models.Model):
    """While a row without an end exists, nothing is started."""

    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    drain = models.BooleanField(
        default=False, help_text="Let what is queued finish, plan nothing new."
    )
    by = models.CharField(max_length=150, blank=True)
    reason = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"paused since {self.started_at:%Y-%m-%d %H:%M}Z"


class Watermark(models.Model):
    """How far a piece of bookkeeping has come: the next pass only looks at what is newer."""

    name = models.CharField(primary_key=True, max_length=50)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} up to {self.at:%Y-%m-%d %H:%M:%S}Z"


class MadeSchedule(models.Model):
    """A row of django-celery-beat's schedule tables that we have made, and no person."""

    kind = models.CharField(max_length=11, help_text="The column that points at such rows.")
    number = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "number"], name="schedule_made_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"
