"""Memberships in Django's admin."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from schedules.public import database_now
from schedules.public.admin import OverDamage
from tasks.memberships.models import Membership
from tasks.memberships.services import change_membership


@admin.register(Membership)
class MembershipAdmin(OverDamage):
    """Found by member, address or plan; cancelled by the dozen."""

    list_display = ["member", "plan", "starts_at", "ends_at", "status"]
    list_filter = ["status", "plan"]
    date_hierarchy = "ends_at"
    search_fields = ["member", "email", "plan"]
    autocomplete_fields = ["user"]
    # Prolonged, it is active again; cancelled it is by the action, and expired by the job.
    readonly_fields = ["status", "expired_at"]
    actions = ["cancel"]

    def has_change_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        """Of one that is not cancelled."""
        is_open = obj is None or obj.status != Membership.Status.CANCELLED
        return is_open and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        """As the API does it: one that is prolonged is active again."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        change_membership(obj.pk, changes, now=database_now())

    @admin.action(description="Cancel the selected memberships")
    def cancel(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        """Memberships that have expired stay as they are."""
        active = queryset.filter(status=Membership.Status.ACTIVE)
        cancelled = active.update(status=Membership.Status.CANCELLED)
        self.message_user(request, f"{cancelled} memberships are cancelled.")
