"""What code declares, and which timetable was in force when."""

from django.contrib import admin

from schedules.admin.reading import SchedulerAdmin
from schedules.models import ScheduleVersion, TaskFunction


@admin.register(TaskFunction)
class TaskFunctionAdmin(SchedulerAdmin):
    """Declared tasks with the arguments they take."""

    list_display = ("key", "task", "name_en", "is_active")
    list_filter = ("is_active",)
    search_fields = ("key", "task", "name_en", "name_ar", "name_id")


@admin.register(ScheduleVersion)
class ScheduleVersionAdmin(SchedulerAdmin):
    """Timetable, pause and policy of each job from when on."""

    list_display = ("job", "number", "effective_at", "changed_by", "reason")
    list_select_related = ("job",)
    search_fields = ("=job__key",)
    ordering = ("-effective_at", "-id")
