"""`/calendars`: the days on which jobs may or may not run."""

from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest
from ninja import Router, Status
from pydantic import Field

from schedules.access import MANAGE, VIEW
from schedules.models import Calendar
from schedules.operations.calendars import (
    create_calendar,
    delete_calendar,
    edit_calendar,
    find_calendar,
    import_dates,
    jobs_by_calendar,
)
from schedules.operations.shapes import calendar_shape
from schedules.querysets.clock import database_now
from schedules.rest.camel import Asked, Day, Reply, Text
from schedules.rest.rights import caller, needs
from schedules.timing import MOST_DATES

router = Router(tags=["calendars"], by_alias=True)

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Reason = Annotated[Text | None, Field(description="Kept in the audit record.")]


class _Days(Asked):
    """What making and changing have in common."""

    dates: Annotated[list[Day], Field(max_length=MOST_DATES)] | None = None
    weekdays: Annotated[list[Weekday], Field(max_length=7)] | None = Field(
        None, description="Listed every week."
    )
    is_allow_list: bool | None = Field(
        None, description="Whether the listed days are the only ones allowed; excluded by default."
    )
    timezone: Annotated[str, Field(max_length=64)] | None = Field(
        None, description="Whose days they are for a timetable without a zone; UTC by default."
    )
    reason: Reason = None

    def values(self) -> dict[str, Any]:
        """Return what was sent as the operations take it: null as the default."""
        given = self.given()
        given.pop("reason", None)
        given.pop("name", None)
        return {name: DEFAULTS[name] if value is None else value for name, value in given.items()}


DEFAULTS = {"dates": [], "weekdays": [], "is_allow_list": False, "timezone": "UTC"}


class CalendarCreate(_Days):
    """A new calendar."""

    name: Annotated[str, Field(max_length=100)]


class CalendarUpdate(_Days):
    """Changes to a calendar: what is left out stays, null clears."""


class DatesImport(Asked):
    """The text of an .ics file, each of whose events is a date."""

    ics: Annotated[str, Field(max_length=1_000_000)]
    replace: bool = Field(False, description="Drop the dates that the calendar has.")
    reason: Reason = None


class CalendarReply(Reply):
    """A calendar, and the jobs that go by it."""

    name: str
    dates: list[str]
    weekdays: list[str]
    is_allow_list: bool
    timezone: str
    jobs: list[str]


class CalendarList(Reply):
    """All calendars."""

    items: list[CalendarReply]


class CalendarDone(Reply):
    """What came of it."""

    success: bool
    message: str


@router.get("/calendars", auth=needs(VIEW), response=CalendarList, operation_id="listCalendars")
def list_all(request: HttpRequest) -> Any:
    """List the calendars."""
    jobs = jobs_by_calendar()
    rows = Calendar.objects.order_by("name")
    return {"items": [calendar_shape(row, jobs=jobs.get(row.pk, [])) for row in rows]}


@router.post(
    "/calendars",
    auth=needs(MANAGE),
    response={201: CalendarReply},
    operation_id="createCalendar",
)
def create(request: HttpRequest, data: CalendarCreate) -> Any:
    """Make a calendar of dates and weekdays."""
    made = create_calendar(data.name, values=data.values(), **_who(request, data.reason))
    return Status(201, _reply(made))


@router.get(
    "/calendars/{name}", auth=needs(VIEW), response=CalendarReply, operation_id="getCalendar"
)
def get(request: HttpRequest, name: str) -> Any:
    """Show a calendar."""
    return _reply(_calendar_or_404(name))


@router.patch(
    "/calendars/{name}", auth=needs(MANAGE), response=CalendarReply, operation_id="updateCalendar"
)
def update(request: HttpRequest, name: str, data: CalendarUpdate) -> Any:
    """Change a calendar, and at once the timetables of the jobs that go by it. What is due by then
    keeps the days of before.
    """
    calendar = _calendar_or_404(name)
    return _reply(edit_calendar(calendar, changes=data.values(), **_who(request, data.reason)))


@router.post(
    "/calendars/{name}/import",
    auth=needs(MANAGE),
    response=CalendarReply,
    operation_id="importCalendarDates",
)
def import_file(request: HttpRequest, name: str, data: DatesImport) -> Any:
    """Add the days of an .ics file's events."""
    calendar = _calendar_or_404(name)
    who = _who(request, data.reason)
    return _reply(import_dates(calendar, data.ics, replace=data.replace, **who))


@router.delete(
    "/calendars/{name}", auth=needs(MANAGE), response=CalendarDone, operation_id="deleteCalendar"
)
def delete(request: HttpRequest, name: str) -> Any:
    """Delete a calendar that no job goes by; otherwise it is refused with 409."""
    delete_calendar(_calendar_or_404(name), **_who(request, None))
    return {"success": True, "message": "Calendar deleted successfully"}


def _calendar_or_404(name: str) -> Calendar:
    calendar = find_calendar(name)
    if calendar is None:
        raise Http404(f"There is no calendar {name!r}.")
    return calendar


def _reply(calendar: Calendar) -> dict[str, Any]:
    return calendar_shape(calendar, jobs=jobs_by_calendar().get(calendar.pk, []))


def _who(request: HttpRequest, reason: str | None) -> dict[str, Any]:
    facts = {"by": caller(request), "source": "api", "now": database_now()}
    return {**facts, "reason": reason or ""}
