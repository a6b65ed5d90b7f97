"""What the REST API of an area is made of. Apart from the rest, so that workers need not load it.

An area's `tasks/<area>/api.py` has a `router`; the project mounts it at `/api/v1/<area>/`.
"""

from ninja import Query, Router, Status

from schedules.rest.camel import (
    WHOLE,
    Asked,
    Flag,
    Instant,
    Moment,
    Name,
    Reply,
    Text,
)
from schedules.rest.pages import PageQuery, page_of
from schedules.rest.rights import caller, needs

__all__ = [
    "WHOLE",
    "Asked",
    "Flag",
    "Instant",
    "Moment",
    "Name",
    "PageQuery",
    "Query",
    "Reply",
    "Router",
    "Status",
    "Text",
    "caller",
    "needs",
    "page_of",
]
