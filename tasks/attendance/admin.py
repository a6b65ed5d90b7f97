"""Attendance in Django's admin."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.contrib import admin

from tasks.attendance.models import Attendance


@admin.register(Attendance)
class AttendanceAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Day by day, with the times on the clocks where the employee works."""

    list_display = ["date", "employee", "status", "came", "left", "worked"]
    list_display_links = ["date", "employee"]
    list_filter = ["status", "date", "employee__is_active"]
    list_select_related = ["employee"]
    date_hierarchy = "date"
    search_fields = ["employee__code", "employee__name"]
    autocomplete_fields = ["employee"]
    readonly_fields = ["made_by"]

    @admin.display(description="came", ordering="clock_in_at", empty_value="-")
    def came(self, row: Attendance) -> str | None:
        """The clock-in, local time."""
        return _local(row, row.clock_in_at)

    @admin.display(description="left", ordering="clock_out_at", empty_value="-")
    def left(self, row: Attendance) -> str | None:
        """The clock-out, local time."""
        return _local(row, row.clock_out_at)

    @admin.display(description="worked", empty_value="-")
    def worked(self, row: Attendance) -> str | None:
        """Hours and minutes between the two."""
        if row.clock_in_at is None or row.clock_out_at is None:
            return None
        minutes = int((row.clock_out_at - row.clock_in_at).total_seconds()) // 60
        return f"{minutes // 60}:{minutes % 60:02}"


def _local(row: Attendance, at: datetime | None) -> str | None:
    return None if at is None else f"{at.astimezone(ZoneInfo(row.employee.timezone)):%H:%M %Z}"
