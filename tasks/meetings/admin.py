"""Meetings in Django's admin. Every change made here keeps the meetings' runs."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from schedules.public.admin import OverDamage
from tasks.meetings.models import Meeting
from tasks.meetings.status import Status


@admin.register(Meeting)
class MeetingAdmin(OverDamage):
    """Found by title or owner; called off by the dozen."""

    list_display = ["title", "start_time", "end_time", "status", "owner"]
    list_filter = ["status", "start_time"]
    list_select_related = ["owner"]
    date_hierarchy = "start_time"
    search_fields = ["title", "owner__username"]
    autocomplete_fields = ["owner"]
    actions = ["call_off"]

    @admin.action(description="Call off the selected meetings")
    def call_off(self, request: HttpRequest, queryset: QuerySet[Meeting]) -> None:
        """Meetings that are over stay as they are."""
        called_off = queryset.filter(status=Status.UPCOMING).update(status=Status.CANCELLED)
        self.message_user(request, f"{called_off} meetings are called off.")
