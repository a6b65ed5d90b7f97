"""What lets pages of the admin stand upright over rows that SQL has broken: ours, and of areas."""

from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.forms import ModelChoiceField
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from schedules.adapters.unreadable import unreadable_or_pointing
from schedules.errors import InvalidInput

MOST_LOOKED_THROUGH = 100_000
EMPTIED = "It is empty here; what you save replaces it."


def damaged(model: type[models.Model], request: HttpRequest) -> dict[int, list[InvalidInput]]:
    """Return what is wrong with the rows of `model` that cannot be shown, by their numbers.

    Looked for once in a request, and not in a table of more than MOST_LOOKED_THROUGH rows.
    """
    found: dict[type[models.Model], dict[int, list[InvalidInput]]]
    found = request.__dict__.setdefault("damaged_rows", {})
    if model not in found:
        rows = model._default_manager.order_by()[: MOST_LOOKED_THROUGH + 1]
        is_small = rows.count() <= MOST_LOOKED_THROUGH
        found[model] = unreadable_or_pointing(model) if is_small else {}
    return found[model]


class OverDamage(admin.ModelAdmin):  # type: ignore[type-arg]
    """Pages for a table in which SQL may have broken rows.

    The list leaves these out and says above it what is wrong with each. The form of such a row is
    empty in the broken places, so that a person can mend it there.
    """

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """Leave out what cannot be read, but for the row that the page is about."""
        match = request.resolver_match
        about = match.kwargs.get("object_id") if match else None
        broken = [pk for pk in damaged(self.model, request) if str(pk) != about]
        return super().get_queryset(request).exclude(pk__in=broken)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, and what is missing in it."""
        for pk, errors in damaged(self.model, request).items():
            page = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=(pk,))
            text = '{} <a href="{}">{}</a> cannot be read: {}'
            name = self.opts.verbose_name.capitalize()  # type: ignore[union-attr]
            sentences = " ".join(str(error) for error in errors)
            warning = format_html(text, name, page, _name(self.model, pk), sentences)
            messages.warning(request, warning)
        return super().changelist_view(request, extra_context)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> models.Model | None:
        """Return the row; of a broken one what can be read, and say what cannot."""
        errors = {str(pk): errors for pk, errors in damaged(self.model, request).items()}.get(
            object_id
        )
        if errors is None:
            return super().get_object(request, object_id, from_field)
        broken = {error.field for error in errors}
        rows = self.get_queryset(request).select_related(None).defer(*broken)
        row: models.Model | None = rows.filter(pk=object_id).first()
        for name in broken if row is not None else ():
            setattr(row, name, self.model._meta.get_field(name).get_default())
        if request.method == "GET":
            for error in errors:
                messages.warning(request, f"Cannot be read: {error} {EMPTIED}")
        return row

    def formfield_for_foreignkey(
        self, db_field: "models.ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> "ModelChoiceField[Any] | None":
        """Offer the rows that can be read."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None and field.queryset is not None:
            field.queryset = field.queryset.exclude(
                pk__in=list(damaged(field.queryset.model, request))
            )
        return field


def _name(model: type[models.Model], pk: int) -> str:
    if "name" not in {field.name for field in model._meta.concrete_fields}:
        return f"#{pk}"
    names = model._default_manager.filter(pk=pk).values_list("name", flat=True)
    return str(names.get())
