"""The audit record, and the tokens of machines."""

from typing import get_args

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from schedules.access import Source, may_manage
from schedules.admin.reading import SchedulerAdmin
from schedules.admin.state_filter import choice_filter
from schedules.models import AuditEntry, Token
from schedules.operations.tokens import end_token
from schedules.querysets.clock import database_now


@admin.register(AuditEntry)
class AuditEntryAdmin(SchedulerAdmin):
    """Who did what, when, from where and why."""

    list_display = ("at", "actor", "action", "subject", "source", "reason")
    list_filter = (choice_filter("source", get_args(Source)),)
    search_fields = ("subject",)
    search_help_text = "A subject such as job:end_of_day, or an actor: exactly."
    ordering = ("-at", "-id")

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Those who manage the scheduler, or were given the model's own permission."""
        own = request.user.has_perm("schedules.view_auditentry")
        return may_manage(request.user) or own

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        """Find by equality only: a search inside texts would read the whole record."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found = queryset.filter(subject=term)
        return (found if found.exists() else queryset.filter(actor=term)), False


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
        now = database_now()
        with transaction.atomic():
            ended = sum(
                end_token(token, by=request.user, source="admin", now=now) for token in tokens
            )
        self.message_user(request, f"{ended} revoked.", messages.SUCCESS)
