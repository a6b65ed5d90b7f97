"""Days, punches and leave in Django's admin."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from schedules.public import InvalidInput, Refused, database_now
from schedules.public.admin import OverDamage
from tasks.attendance.leave import (
    change_leave,
    check_leave,
    decide_leave,
    delete_leave,
    request_leave,
)
from tasks.attendance.models import STANDING, Attendance, LeaveRequest, PunchLog, Source


@admin.register(Attendance)
class AttendanceAdmin(OverDamage):
    """Day by day, with the times on the clocks where the employee works."""

    list_display = ["date", "employee", "status", "came", "left", "worked"]
    list_display_links = ["date", "employee"]
    list_filter = ["status", "date", "employee__is_active"]
    list_select_related = ["employee"]
    date_hierarchy = "date"
    search_fields = ["employee__code", "employee__name"]
    show_full_result_count = False
    autocomplete_fields = ["employee"]
    readonly_fields = ["made_by", "source"]

    def save_model(self, request: HttpRequest, obj: Attendance, form: Any, change: bool) -> None:
        """What a person enters here stays, whatever punches come later."""
        if {"status", "clock_in_at", "clock_out_at"}.intersection(form.changed_data) or not change:
            obj.source = Source.HAND
        super().save_model(request, obj, form, change)

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


@admin.register(PunchLog)
class PunchLogAdmin(OverDamage):
    """What the clocks reported: to be read, and never changed."""

    list_display = ["at", "employee_code", "direction", "device", "state", "received_at"]
    # Nothing here reads the whole table, which is the largest there is.
    list_filter = ["state", "direction", "at"]
    search_fields = ["employee_code__exact"]
    search_help_text = "The code of an employee, in full."
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Punches come from devices, files and clients."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: PunchLog | None = None) -> bool:
        """A wrong day is corrected in the attendance; the punch stays as evidence."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: PunchLog | None = None) -> bool:
        """The same."""
        return False


class LeaveForm(forms.ModelForm):  # type: ignore[type-arg]
    """A request as the API takes it."""

    def clean(self) -> dict[str, Any]:
        """Refuse days that another request of the employee has."""
        values = super().clean() or {}
        employee, first, last = (values.get(n) for n in ("employee", "starts_on", "ends_on"))
        if employee and first and last:
            besides = self.instance if self.instance.pk else None
            try:
                check_leave(employee, starts_on=first, ends_on=last, besides=besides)
            except InvalidInput as refusal:
                self.add_error(refusal.field, str(refusal))
            except Refused as refusal:
                self.add_error("employee", str(refusal))
        return values


@admin.register(LeaveRequest)
class LeaveRequestAdmin(OverDamage):
    """Requests for leave, decided by the dozen."""

    form = LeaveForm
    list_display = ["employee", "starts_on", "ends_on", "status", "requested_at", "decided_by"]
    list_filter = ["status", "starts_on"]
    list_select_related = ["employee", "decided_by"]
    date_hierarchy = "starts_on"
    search_fields = ["employee__code", "employee__name"]
    autocomplete_fields = ["employee"]
    # Decisions are made by the actions, which bring the attendance into line.
    readonly_fields = ["status", "requested_at", "decided_at", "decided_by"]
    actions = ["approve", "reject", "withdraw"]

    def has_change_permission(self, request: HttpRequest, obj: LeaveRequest | None = None) -> bool:
        """Of requests that stand; any other is only history."""
        stands = obj is None or obj.status in STANDING
        return stands and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: LeaveRequest, form: Any, change: bool) -> None:
        """As the API does it; the attendance of the days follows."""
        given = {name: getattr(obj, name) for name in ("starts_on", "ends_on", "reason")}
        if change:
            change_leave(obj, employee=obj.employee, **given)
        else:
            made = request_leave(obj.employee, now=database_now(), **given)
            obj.pk, obj.requested_at = made.pk, made.requested_at

    def delete_model(self, request: HttpRequest, obj: LeaveRequest) -> None:
        """Delete it; the attendance of its days follows."""
        delete_leave(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[LeaveRequest]) -> None:
        """The same for each."""
        for leave in queryset.select_related("employee"):
            delete_leave(leave)

    @admin.action(description="Approve the selected requests")
    def approve(self, request: HttpRequest, queryset: QuerySet[LeaveRequest]) -> None:
        """Their days without a clock-in become leave."""
        self._decide(request, queryset, LeaveRequest.Status.APPROVED)

    @admin.action(description="Reject the selected requests")
    def reject(self, request: HttpRequest, queryset: QuerySet[LeaveRequest]) -> None:
        """Their days stay as they are."""
        self._decide(request, queryset, LeaveRequest.Status.REJECTED)

    @admin.action(description="Withdraw the selected requests")
    def withdraw(self, request: HttpRequest, queryset: QuerySet[LeaveRequest]) -> None:
        """Also leave that was approved."""
        self._decide(request, queryset, LeaveRequest.Status.WITHDRAWN)

    def _decide(
        self,
        request: HttpRequest,
        queryset: QuerySet[LeaveRequest],
        status: LeaveRequest.Status,
    ) -> None:
        decided = 0
        by = request.user if request.user.is_authenticated else None
        for leave in queryset:
            try:
                decide_leave(leave, status, now=database_now(), by=by)
            except Refused as error:
                self.message_user(request, f"{leave.employee}: {error}", level="warning")
            else:
                decided += 1
        self.message_user(request, f"{decided} requests are {status}.")


def _local(row: Attendance, at: datetime | None) -> str | None:
    return None if at is None else f"{row.employee.on_the_wall(at):%H:%M %Z}"
