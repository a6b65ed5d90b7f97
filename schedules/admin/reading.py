"""What the pages share: read-only classes, the scheduler's permissions, pages that stay fast."""

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from schedules.access import may_manage, may_operate, may_view

MOST_COUNTED = 10_000


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """A paginator that stops counting: a long log has as many pages as people turn."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows, at most `MOST_COUNTED`."""
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return rows.order_by()[:MOST_COUNTED].count()
        return min(len(rows), MOST_COUNTED)


class SchedulerAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A page for those who may view the scheduler. Nothing is added or deleted by hand."""

    show_full_result_count = False
    paginator = CappedPaginator
    list_per_page = 50
    actions_on_bottom = False

    class Media:
        css = {"all": ["schedules/admin.css"]}

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whoever may view the scheduler, or was given the model's own permission."""
        return may_view(request.user) or super().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody, unless a page says otherwise."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody: history is kept until its retention ends."""
        return False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether the actions that make something run, or stop it, are offered."""
        return may_operate(request.user)

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Whether the actions that change what there is are offered."""
        return may_manage(request.user)
