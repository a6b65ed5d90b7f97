"""Memberships in Django's admin."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from schedules.public.admin import OverDamage
from tasks.memberships.models import Membership


@admin.register(Membership)
class MembershipAdmin(OverDamage):
    """Found by member, address or plan; cancelled by the dozen."""

    list_display = ["member", "plan", "starts_at", "ends_at", "status"]
    list_filter = ["status", "plan"]
    date_hierarchy = "ends_at"
    search_fields = ["member", "email", "plan"]
    autocomplete_fields = ["user"]
    readonly_fields = ["expired_at"]
    actions = ["cancel"]

    @admin.action(description="Cancel the selected memberships")
    def cancel(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        """Memberships that have expired stay as they are."""
        active = queryset.filter(status=Membership.Status.ACTIVE)
        cancelled = active.update(status=Membership.Status.CANCELLED)
        self.message_user(request, f"{cancelled} memberships are cancelled.")
