"""Employees in Django's admin."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from schedules.public.admin import OverDamage
from tasks.people.models import Employee


@admin.register(Employee)
class EmployeeAdmin(OverDamage):
    """Found by code, name or address; switched on and off by the dozen."""

    list_display = ["code", "name", "email", "is_active", "timezone", "work_starts_at", "hired_on"]
    list_display_links = ["code", "name"]
    list_filter = ["is_active", "timezone"]
    search_fields = ["code", "name", "email"]
    autocomplete_fields = ["user"]
    actions = ["mark_active", "mark_inactive"]

    @admin.action(description="Mark the selected employees as active")
    def mark_active(self, request: HttpRequest, queryset: QuerySet[Employee]) -> None:
        """Attendance rows are made for them again, from the next day on."""
        self.message_user(request, f"{queryset.update(is_active=True)} employees are active.")

    @admin.action(description="Mark the selected employees as inactive")
    def mark_inactive(self, request: HttpRequest, queryset: QuerySet[Employee]) -> None:
        """Their attendance stays; no new rows are made."""
        self.message_user(request, f"{queryset.update(is_active=False)} employees are inactive.")
