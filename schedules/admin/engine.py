"""Beats and workers, and whether they live."""

from typing import Any

from django.contrib import admin
from django.db.models import DateTimeField, QuerySet, Value
from django.http import HttpRequest
from django.utils.safestring import SafeString

from schedules.admin.badges import badge, moment
from schedules.admin.reading import SchedulerAdmin
from schedules.models import Instance
from schedules.operations.instances import life_of
from schedules.querysets.clock import database_now


@admin.register(Instance)
class InstanceAdmin(SchedulerAdmin):
    """Who is there, and who has fallen silent."""

    list_display = ("name", "kind", "life", "heartbeat", "host", "pid", "mode", "started_at")
    list_filter = ("kind", "status", "mode")
    search_fields = ("name", "host")
    ordering = ("-heartbeat_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Instance]:
        """The instances, each with the instant of reading."""
        instances: QuerySet[Instance] = super().get_queryset(request)
        return instances.annotate(read_at=Value(database_now(), DateTimeField()))

    @admin.display(description="Alive")
    def life(self, instance: Any) -> SafeString | str:
        """Show whether the heartbeat is still believed."""
        return badge(life_of(instance, now=instance.read_at))

    @admin.display(description="Heartbeat", ordering="heartbeat_at")
    def heartbeat(self, instance: Any) -> SafeString | str:
        """Show when it was last heard of."""
        return moment(instance.heartbeat_at, now=instance.read_at)
