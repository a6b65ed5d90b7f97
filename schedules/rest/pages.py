"""Lists in pages: what is asked for, and the envelope of the answer."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404
from ninja import Schema
from pydantic import Field

from schedules.adapters.unreadable import load_one, load_readable
from schedules.rest.camel import Reply

Page = Annotated[int, Field(ge=1, le=1_000_000)]
PerPage = Annotated[int, Field(ge=1, le=100)]
Row = TypeVar("Row", bound=Model)


class PageQuery(Schema):
    """Which part of a list."""

    page: Page = 1
    per_page: PerPage = 20


class Paged(Reply):
    """What every page of a list says beside its `items`."""

    total: int
    page: int
    per_page: int
    total_pages: int


def envelope(query: PageQuery, items: Iterable[Any], *, total: int) -> dict[str, Any]:
    """Return a page's answer: its items, and where in the list they stand."""
    return {
        "items": list(items),
        "total": total,
        "page": query.page,
        "perPage": query.per_page,
        "totalPages": -(-total // query.per_page),
    }


def page_of(
    rows: QuerySet[Row], query: PageQuery, shape: Callable[[Row], dict[str, Any]]
) -> dict[str, Any]:
    """Return the page of ordered `rows` that is asked for, each as `shape` writes it.

    A row that SQL has broken is left out, so that it stops no other.
    """
    first = (query.page - 1) * query.per_page
    items = load_readable(rows, first, first + query.per_page)
    return envelope(query, [shape(row) for row in items], total=rows.count())


def row_or_404(rows: QuerySet[Row], pk: int) -> Row:
    """Return the one of `rows` with this number. Raises Http404; and UnreadableRow, which is
    answered with what was found, for one that SQL has broken.
    """
    row = load_one(rows, pk)
    if row is None:
        raise Http404(f"There is no {rows.model._meta.verbose_name} {pk}.")
    return row
