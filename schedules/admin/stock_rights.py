"""What the pages of django-celery-beat ask and leave behind: the scheduler's rights, a trace."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from schedules.access import may_manage, may_operate, may_view, record
from schedules.adapters.unreadable import unreadable
from schedules.public.admin import OverDamage
from schedules.querysets.clock import database_now


class StockAdmin(OverDamage):
    """Base of the pages of rows that are not ours: who may do what, and one entry for a change.

    The scheduler's permissions count, and the model's own where somebody was given those.
    """

    show_full_result_count = False

    class Media:
        css = {"all": ["schedules/admin.css"]}

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whoever may view the scheduler, or was given the model's own permission."""
        return may_view(request.user) or super().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whoever may manage the scheduler, or was given the model's own permission."""
        return may_manage(request.user) or super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whoever may manage the scheduler, or was given the model's own permission."""
        return may_manage(request.user) or super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whoever may manage the scheduler, or was given the model's own permission."""
        return may_manage(request.user) or super().has_delete_permission(request, obj)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether the actions that make something run, or stop it, are offered."""
        return may_operate(request.user)

    def subject_of(self, obj: Any) -> str:
        """Return what the audit record calls the row."""
        return f"{self.opts.model_name}:{obj.pk}"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save the row; what has changed in it is kept for the entry."""
        before = columns_of(type(obj)._default_manager.filter(pk=obj.pk)) if change else {}
        super().save_model(request, obj, form, change)
        after = columns_of(type(obj)._default_manager.filter(pk=obj.pk))
        changed = [name for name in after if before.get(name) != after[name]]
        form.difference = (
            {name: before[name] for name in changed} if change else {},
            {name: after[name] for name in changed},
        )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save what stands below, and leave one entry of it all."""
        super().save_related(request, form, formsets, change)
        before, after = form.difference
        if after:
            action = "edit" if change else "create"
            self.trace(request, action, form.instance, before=before or None, after=after)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete the row, with its entry."""
        self.trace(request, "delete", obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete the rows, each with its entry."""
        for obj in queryset:
            self.delete_model(request, obj)

    def trace(
        self,
        request: HttpRequest,
        action: str,
        obj: Any,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the entry of one change."""
        record(
            action,
            subject=self.subject_of(obj),
            actor=request.user,
            source="admin",
            now=database_now(),
            before=before,
            after=after,
        )


BOOKKEEPING = frozenset({"last_run_at", "total_run_count", "date_changed"})


def columns_of(rows: QuerySet[Any]) -> dict[str, Any]:
    """Return the row's columns as text and plain values, without bookkeeping."""
    columns = [f.attname for f in rows.model._meta.concrete_fields if f.name not in BOOKKEEPING]
    damage = unreadable(rows.model, list(rows.values_list("pk", flat=True))).values()
    broken = {error.field: error.found for errors in damage for error in errors}
    row = rows.values(*(name for name in columns if name not in broken)).first() or {}
    return {name: _plain(row.get(name, broken.get(name))) for name in columns if row}


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str | None) else str(value)
