"""One-off calls that wait in the database until they are due."""

from django.http import HttpResponse

from schedules.dashboard.guard import page, show
from schedules.dashboard.reader import Reader
from schedules.errors import InvalidInput
from schedules.models import Run
from schedules.operations.listing import count_up_to
from schedules.operations.parked_list import page_of_parked, recovery_reports

PER_PAGE = 50
MOST_COUNTED = 10_000


@page
def parked(reader: Reader) -> HttpResponse:
    """Show parked calls, the next one first, and the last recovery's numbers."""
    query = reader.request.GET
    text = query.get("q", "").strip()[:200]
    try:
        found = page_of_parked(text=text, after=query.get("after", ""), limit=PER_PAGE)
    except InvalidInput:  # that one has left meanwhile: begin again
        found = page_of_parked(text=text, limit=PER_PAGE)
    total = count_up_to(Run.objects.parked(), limit=MOST_COUNTED)
    context = {
        "here": "parked",
        "found": found,
        "text": text,
        "total": total,
        "is_more": total >= MOST_COUNTED,
        "reports": recovery_reports() if reader.may_view_details else [],
    }
    return show(reader, "schedules/parked.html", context)
