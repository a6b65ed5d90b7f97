"""Who did what, before and after, and why."""

from typing import get_args

from django.http import HttpResponse

from schedules.access import Source
from schedules.dashboard.guard import page, show
from schedules.dashboard.reader import Reader
from schedules.operations.audit_list import page_of_entries

PER_PAGE = 50
SOURCES = get_args(Source)


@page
def audit(reader: Reader) -> HttpResponse:
    """Show a page of the audit record."""
    query = reader.request.GET
    text, source = query.get("q", "").strip()[:200], query.get("source", "")
    before = query.get("before", "")
    found = page_of_entries(
        text=text,
        source=source if source in SOURCES else "",
        before=int(before)
        if before.isascii() and before.isdecimal() and len(before) < 19
        else None,
        limit=PER_PAGE,
    )
    context = {
        "here": "audit",
        "entries": found.entries,
        "before": found.before,
        "text": text,
        "source": source,
        "sources": SOURCES,
    }
    return show(reader, "schedules/audit.html", context)
