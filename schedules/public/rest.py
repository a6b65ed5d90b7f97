"""What the REST API of an area is made of. Apart from the rest, so that workers need not load it.

An area's `tasks/<area>/api` has a `router`; the project mounts it at `/api/v1/<area>`.
"""

from schedules.operations.wording import iso
from schedules.rest.camel import (
    NOT_BLANK,
    WHOLE,
    Asked,
    Day,
    Flag,
    Instant,
    Moment,
    Name,
    Reply,
    WallTime,
)
from schedules.rest.pages import Paged, PageQuery, page_of, row_or_404
from schedules.rest.rights import caller, needs

__all__ = [
    "NOT_BLANK",
    "WHOLE",
    "Asked",
    "Day",
    "Flag",
    "Instant",
    "Moment",
    "Name",
    "PageQuery",
    "Paged",
    "Reply",
    "WallTime",
    "caller",
    "iso",
    "needs",
    "page_of",
    "row_or_404",
]
