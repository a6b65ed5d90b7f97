"""Who may do what, and who did."""

import uuid

from django.conf import settings
from django.db import models


class Token(models.Model):
    """A bearer token of a machine. Only its hash is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    name = models.CharField(max_length=100, blank=True)
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token, hex.")
    scope = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        permissions = [
            ("view_scheduler", "May see jobs and runs"),
            ("view_run_details", "May see arguments, results and tracebacks"),
            ("operate_scheduler", "May trigger, pause, resume, enable, disable, cancel"),
            ("manage_scheduler", "May create, change and delete jobs"),
        ]

    def __str__(self) -> str:
        return self.name or str(self.id)


class AuditEntry(models.Model):
    """One change or trigger: who, what, before, after, why, from where. Outlives its user."""

    at = models.DateTimeField()
    actor = models.CharField(max_length=150)
    action = models.CharField(max_length=50)
    subject = models.CharField(max_length=250)
    source = models.CharField(max_length=20, help_text="api, cli, admin, dashboard, code, repair")
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_by_time"),
            models.Index(fields=["subject", "-at"], name="audit_by_subject"),
            models.Index(fields=["actor", "-at"], name="audit_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.actor}: {self.action} {self.subject}"


class Knock(models.Model):
    """One try at a door: a login, or a token that nobody has. Counted for a while, then deleted."""

    door = models.CharField(max_length=64, help_text="SHA-256 of what is counted, hex.")
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["door", "at"], name="knock_by_door"),
            models.Index(fields=["at"], name="knock_by_time"),
        ]

    def __str__(self) -> str:
        return f"a try at {self.at:%Y-%m-%d %H:%M:%S}Z"
