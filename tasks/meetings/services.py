"""What people do with a meeting: move it, call it off. Its run follows in the same transaction."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from schedules.public import Refused
from tasks.meetings.models import Meeting
from tasks.meetings.status import Status


class MeetingOver(Refused):
    """The meeting is done or called off."""

    def __init__(self, meeting: Meeting) -> None:
        super().__init__(
            f"Meeting {meeting.pk} is {meeting.status}; only an upcoming one can be changed."
        )


@transaction.atomic
def change_meeting(meeting_id: int, changes: Mapping[str, Any]) -> Meeting:
    """Change fields of an upcoming meeting; a new end moves its run. Return the meeting.

    Raises Meeting.DoesNotExist, MeetingOver, and ValidationError for values that it refuses.
    """
    # Locked, so that it is not ended between the look and the change.
    meeting = Meeting.objects.select_for_update(no_key=True, of=("self",)).get(pk=meeting_id)
    if meeting.status != Status.UPCOMING:
        raise MeetingOver(meeting)
    for name, value in changes.items():
        setattr(meeting, name, value)
    meeting.full_clean()
    meeting.save()
    return meeting


@transaction.atomic
def call_off(meeting_id: int) -> Meeting:
    """Call an upcoming meeting off and drop its run; one that is called off stays so.

    Raises Meeting.DoesNotExist, and MeetingOver for one that is done.
    """
    meeting = Meeting.objects.select_for_update(no_key=True, of=("self",)).get(pk=meeting_id)
    if meeting.status == Status.DONE:
        raise MeetingOver(meeting)
    meeting.status = Status.CANCELLED
    meeting.save(update_fields=["status"])
    return meeting
