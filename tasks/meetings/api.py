"""`/meetings`: a meeting belongs to its owner; some may see and change those of others."""

from typing import Annotated, Any, Literal

from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Status
from ninja.errors import HttpError
from pydantic import Field

from schedules.public import InvalidInput
from schedules.public.rest import (
    NOT_BLANK,
    Asked,
    Instant,
    Moment,
    Paged,
    PageQuery,
    Reply,
    caller,
    iso,
    needs,
    page_of,
    row_or_404,
)
from tasks.meetings.models import Meeting, MeetingQuerySet
from tasks.meetings.services import call_off, change_meeting

router = Router(tags=["meetings"], by_alias=True)

HOLD, VIEW = "meetings.hold_meetings", "meetings.view_meeting"
ADD, CHANGE, DELETE = "meetings.add_meeting", "meetings.change_meeting", "meetings.delete_meeting"

MeetingId = Annotated[int, Field(ge=1, le=2**63 - 1)]
Title = Annotated[str, Field(min_length=1, max_length=200), NOT_BLANK]


class MeetingReply(Reply):
    """A meeting; it is done as soon as its end has come."""

    id: int
    title: str
    start_time: Moment
    end_time: Moment
    status: Literal["upcoming", "done", "cancelled"]
    owner: str | None


class MeetingPage(Paged):
    """One page of meetings, the earliest first."""

    items: list[MeetingReply]


class MeetingQuery(PageQuery):
    """Which meetings."""

    status: Literal["upcoming", "done", "cancelled"] | None = None


class MeetingUpdate(Asked):
    """Changes to an upcoming meeting: what is left out stays."""

    title: Title | None = None
    start_time: Instant | None = None
    end_time: Instant | None = Field(None, description="The run that ends the meeting moves too.")


class MeetingCreate(Asked):
    """A new meeting. It is the caller's own, unless he may make them for others."""

    title: Title
    start_time: Instant
    end_time: Instant
    owner: Annotated[str, Field(max_length=150)] | None = Field(
        None, description="An account's name; by default the caller's."
    )


@router.get("", auth=needs(VIEW, HOLD), response=MeetingPage, operation_id="listMeetings")
def list_all(request: HttpRequest, query: Query[MeetingQuery]) -> Any:
    """List the meetings that the caller may see."""
    rows = _theirs(request, VIEW).select_related("owner").order_by("start_time", "pk")
    if query.status is not None:
        rows = rows.filter(status=query.status)
    return page_of(rows, query, _shape)


@router.post("", auth=needs(ADD, HOLD), response={201: MeetingReply}, operation_id="createMeeting")
def create(request: HttpRequest, response: HttpResponse, data: MeetingCreate) -> Any:
    """Make a meeting. In the same transaction a run is parked that ends it at `endTime`."""
    meeting = Meeting(
        title=data.title,
        start_time=data.start_time,
        end_time=data.end_time,
        owner=_owner(caller(request), data.owner),
    )
    meeting.full_clean()
    meeting.save()
    response.headers["Location"] = f"{request.path.rstrip('/')}/{meeting.pk}"
    return Status(201, _shape(meeting))


@router.get(
    "/{int:meeting_id}", auth=needs(VIEW, HOLD), response=MeetingReply, operation_id="getMeeting"
)
def get(request: HttpRequest, meeting_id: MeetingId) -> Any:
    """Show a meeting."""
    return _shape(_meeting_or_404(request, meeting_id, VIEW))


@router.patch(
    "/{int:meeting_id}",
    auth=needs(CHANGE, HOLD),
    response=MeetingReply,
    operation_id="updateMeeting",
)
def update(request: HttpRequest, meeting_id: MeetingId, data: MeetingUpdate) -> Any:
    """Change or move an upcoming meeting; one that is over is refused with 409."""
    _meeting_or_404(request, meeting_id, CHANGE)
    given = data.given()
    for name, value in given.items():
        if value is None:
            raise InvalidInput(name, "null", "a value; leave it out to keep the old one")
    return _shape(change_meeting(meeting_id, given))


@router.post(
    "/{int:meeting_id}/cancel",
    auth=needs(CHANGE, HOLD),
    response=MeetingReply,
    operation_id="cancelMeeting",
)
def cancel(request: HttpRequest, meeting_id: MeetingId) -> Any:
    """Call a meeting off; nothing will end it any more. One that is done is refused with 409."""
    _meeting_or_404(request, meeting_id, CHANGE)
    return _shape(call_off(meeting_id))


@router.delete(
    "/{int:meeting_id}",
    auth=needs(DELETE, HOLD),
    response={204: None},
    operation_id="deleteMeeting",
)
def delete(request: HttpRequest, meeting_id: MeetingId) -> Any:
    """Delete a meeting and drop its run."""
    _meeting_or_404(request, meeting_id, DELETE).delete()
    return Status(204, None)


def _theirs(request: HttpRequest, permission: str) -> MeetingQuerySet:
    """Return all meetings for who has the permission, else the caller's own."""
    user: Any = caller(request)
    return Meeting.objects.all() if user.has_perm(permission) else user.meetings.all()


def _meeting_or_404(request: HttpRequest, meeting_id: int, permission: str) -> Meeting:
    """A meeting of others is not there for those who may not have to do with it."""
    return row_or_404(_theirs(request, permission), meeting_id)


def _owner(user: Any, name: str | None) -> Any:
    if name is None or name == user.get_username():
        return user
    if not user.has_perm(ADD):
        raise HttpError(403, "You may make meetings of your own only.")
    owner = get_user_model().objects.filter(username=name).first()
    if owner is None:
        raise InvalidInput("owner", name, "the name of an account that exists")
    return owner


def _shape(meeting: Meeting) -> dict[str, Any]:
    return {
        "id": meeting.pk,
        "title": meeting.title,
        "startTime": iso(meeting.start_time),
        "endTime": iso(meeting.end_time),
        "status": meeting.status,
        "owner": None if meeting.owner is None else meeting.owner.get_username(),
    }
