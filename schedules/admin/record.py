"""The audit record, and the tokens of machines."""

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from schedules.access import may_manage, record, revoke_token
from schedules.admin.reading import SchedulerAdmin
from schedules.models import AuditEntry, Token
from schedules.querysets.clock import database_now


@admin.register(AuditEntry)
class AuditEntryAdmin(SchedulerAdmin):
    """Who did what, when, from where and why."""

    list_display = ("at", "actor", "action", "subject", "source", "reason")
    list_filter = ("source",)
    search_fields = ("=actor", "=action", "=subject")
    ordering = ("-at", "-id")

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Those who manage the scheduler, or were given the model's own permission."""
        own = request.user.has_perm("schedules.view_auditentry")
        return may_manage(request.user) or own


@admin.register(Token)
class TokenAdmin(SchedulerAdmin):
    """Tokens without their secret: it is shown once, by `scheduler token create`."""

    list_display = ("name", "user", "created_at", "expires_at", "revoked_at", "last_used_at")
    list_select_related = ("user",)
    exclude = ("digest",)
    ordering = ("-created_at",)
    actions = ("revoke",)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Those who manage the scheduler."""
        return may_manage(request.user)

    @admin.action(description="Revoke", permissions=["manage"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[Token]) -> None:
        """End the selected tokens at once."""
        now, ended = database_now(), 0
        with transaction.atomic():
            for token in tokens:
                if revoke_token(token, now=now):
                    ended += 1
                    record(
                        "revoke",
                        subject=f"token:{token.pk}",
                        actor=request.user,
                        source="admin",
                        now=now,
                    )
        self.message_user(request, f"{ended} revoked.", messages.SUCCESS)
