"""A filter by fixed values: Django's own would read the distinct values of a whole table."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest


def choice_filter(column: str, values: Sequence[str]) -> type[admin.SimpleListFilter]:
    """Return a filter of the column that offers these values."""

    class ChoiceFilter(admin.SimpleListFilter):
        """One of the values, or all."""

        title = column
        parameter_name = column

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            """Offer the values."""
            return [(value, value) for value in values]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            """Keep the rows with the chosen value."""
            chosen = self.value()
            return queryset if chosen is None else queryset.filter(**{column: chosen})

    return ChoiceFilter
