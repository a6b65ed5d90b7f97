"""django-celery-results' pages, for a log of any length: read, found by equality, not counted."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django_celery_results.admin import GroupResultAdmin, TaskResultAdmin
from django_celery_results.models import GroupResult, TaskResult

from schedules.access import may_view_details
from schedules.admin.reading import CappedPaginator, SchedulerAdmin
from schedules.admin.state_filter import choice_filter

for _model in (TaskResult, GroupResult):
    admin.site.unregister(_model)

STATES = ("SUCCESS", "FAILURE", "REVOKED", "PENDING", "STARTED", "RETRY")
LONG = ("result", "traceback", "meta", "task_args", "task_kwargs")
"""Columns that a list does not show, so it does not read them."""


class ResultAdmin(SchedulerAdmin):
    """What came out of runs: for those who may see that."""

    paginator = CappedPaginator
    date_hierarchy = None

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Those who may see details, or were given the model's own permission."""
        own = request.user.has_perm(f"{self.opts.app_label}.view_{self.opts.model_name}")
        return may_view_details(request.user) or own


@admin.register(TaskResult)
class FastTaskResultAdmin(ResultAdmin, TaskResultAdmin):  # type: ignore[misc]
    """Outcomes, newest first."""

    list_filter: ClassVar[Any] = (choice_filter("status", STATES),)
    search_fields: ClassVar[Any] = ("task_id",)
    search_help_text = "A task id, a task's name, or that of its job: exactly."
    ordering = ("-date_done",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[TaskResult]:
        """The results, without the long columns where none of them is shown."""
        results: QuerySet[TaskResult] = super().get_queryset(request)
        match = request.resolver_match
        is_list = match is not None and (match.url_name or "").endswith("_changelist")
        return results.defer(*LONG) if is_list else results

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[TaskResult], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find by equality only: a search inside texts would read the whole log."""
        term = search_term.strip()
        if not term:
            return queryset, False
        for column in ("task_id", "task_name", "periodic_task_name"):
            found = queryset.filter(**{column: term})
            if found.exists():
                return found, False
        return queryset.none(), False


@admin.register(GroupResult)
class FastGroupResultAdmin(ResultAdmin, GroupResultAdmin):  # type: ignore[misc]
    """Groups of results."""

    list_filter: ClassVar[Any] = ()
    search_fields = ("=group_id",)
    ordering = ("-date_done",)
