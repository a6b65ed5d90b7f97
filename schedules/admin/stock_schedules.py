"""django-celery-beat's schedules, which jobs may share: each page says who uses its row."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from schedules.admin.stock_forms import StrictCrontabForm, StrictIntervalForm
from schedules.admin.stock_rights import StockAdmin

for _model in (ClockedSchedule, CrontabSchedule, IntervalSchedule, SolarSchedule):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)

MOST_NAMED = 20
"""Users of a schedule that are named; of more, how many."""


def in_words(crontab: CrontabSchedule) -> str:
    """Return django-celery-beat's phrase, or why a row damaged by hand has none."""
    try:
        return str(crontab.human_readable)
    except Exception as error:  # noqa: BLE001 - Celery's parser has an exception class of its own
        return f"{crontab} cannot be read: {error}"


class ScheduleAdmin(StockAdmin):
    """A schedule, which a change of moves every job that uses it."""

    column: ClassVar[str]
    readonly_fields: ClassVar[Any] = ("used_by",)
    ordering = ("pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The schedules, each with the number of its users."""
        schedules: QuerySet[Any] = super().get_queryset(request)
        counted: QuerySet[Any] = schedules.annotate(users=Count("periodictask"))
        return counted

    @admin.display(description="Jobs", ordering="users")
    def jobs(self, schedule: Any) -> int:
        """Show how many periodic tasks use it."""
        return int(schedule.users)

    @admin.display(description="Used by")
    def used_by(self, schedule: Any) -> SafeString | str:
        """Show which periodic tasks a change would move, with links to them."""
        if schedule.pk is None:
            return "-"
        tasks = PeriodicTask.objects.filter(**{self.column: schedule.pk}).order_by("name")
        named = list(tasks.values_list("pk", "name")[: MOST_NAMED + 1])
        if not named:
            return "nobody"
        links = format_html_join(
            ", ",
            '<a href="{}">{}</a>',
            (
                (reverse("admin:django_celery_beat_periodictask_change", args=[pk]), name)
                for pk, name in named[:MOST_NAMED]
            ),
        )
        more = f" and {tasks.count() - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        return format_html("{}{}. A change here changes all of them.", links, more)


@admin.register(CrontabSchedule)
class StrictCrontabAdmin(ScheduleAdmin):
    """Crontabs that our timetables understand."""

    column = "crontab"
    form = StrictCrontabForm
    list_display = ("__str__", "in_words", "jobs")
    search_fields = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone")
    fields = ("in_words", *search_fields, "used_by")
    readonly_fields = ("in_words", "used_by")

    @admin.display(description="In words")
    def in_words(self, crontab: CrontabSchedule) -> str:
        """Show the crontab in words."""
        return in_words(crontab) if crontab.pk else "-"


@admin.register(IntervalSchedule)
class StrictIntervalAdmin(ScheduleAdmin):
    """Intervals of at least a second."""

    column = "interval"
    form = StrictIntervalForm
    list_display = ("__str__", "jobs")
    search_fields = ("every", "period")
    fields = ("every", "period", "used_by")


@admin.register(ClockedSchedule)
class ClockedAdmin(ScheduleAdmin):
    """Single dates."""

    column = "clocked"
    list_display = ("clocked_time", "jobs")
    search_fields = ("clocked_time",)
    fields = ("clocked_time", "used_by")


@admin.register(SolarSchedule)
class SolarAdmin(ScheduleAdmin):
    """Events of the sun at a place."""

    column = "solar"
    list_display = ("__str__", "jobs")
    search_fields = ("event",)
    fields = ("event", "latitude", "longitude", "used_by")
