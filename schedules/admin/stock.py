"""django-celery-beat's own pages, with stricter forms, and standing upright over damaged rows."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django_celery_beat.admin import (
    CrontabScheduleAdmin,
    IntervalScheduleAdmin,
    PeriodicTaskAdmin,
)
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from schedules.admin.stock_forms import (
    StrictCrontabForm,
    StrictIntervalForm,
    StrictPeriodicTaskForm,
)

for _model in (PeriodicTask, CrontabSchedule, IntervalSchedule):
    admin.site.unregister(_model)


def _in_words(crontab: CrontabSchedule) -> str:
    """Return django-celery-beat's phrase, or why a row damaged by hand has none."""
    try:
        return str(crontab.human_readable)
    except Exception as error:  # noqa: BLE001 - Celery's parser has an exception class of its own
        return f"{crontab} cannot be read: {error}"


@admin.register(PeriodicTask)
class StrictPeriodicTaskAdmin(PeriodicTaskAdmin):  # type: ignore[misc]
    """When and what. How a job runs is said on the job's own page."""

    form = StrictPeriodicTaskForm

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form; one damaged crontab does not take every form with it."""
        words = {crontab.pk: _in_words(crontab) for crontab in CrontabSchedule.objects.all()}
        context = {**(extra_context or {}), "readable_crontabs": words}
        # Not the parent's: it reads all crontabs once more, and fails at the first damaged one.
        page: HttpResponse = super(PeriodicTaskAdmin, self).changeform_view(
            request, object_id, form_url, extra_context=context
        )
        return page

    @admin.display(description="Crontab in words")
    def crontab_translation(self, task: PeriodicTask) -> str:
        """Show the chosen crontab in words."""
        return _in_words(task.crontab) if task.crontab_id else "-"


@admin.register(CrontabSchedule)
class StrictCrontabAdmin(CrontabScheduleAdmin):  # type: ignore[misc]
    """Crontabs that our timetables understand."""

    form = StrictCrontabForm
    list_display = ("__str__", "in_words")
    fields = (
        "in_words",
        "minute",
        "hour",
        "day_of_month",
        "month_of_year",
        "day_of_week",
        "timezone",
    )
    readonly_fields = ("in_words",)

    @admin.display(description="In words")
    def in_words(self, crontab: CrontabSchedule) -> str:
        """Show the crontab in words."""
        return _in_words(crontab) if crontab.pk else "-"


@admin.register(IntervalSchedule)
class StrictIntervalAdmin(IntervalScheduleAdmin):  # type: ignore[misc]
    """Intervals of at least a second."""

    form = StrictIntervalForm
