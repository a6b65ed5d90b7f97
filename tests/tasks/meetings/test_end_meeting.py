"""Ending a meeting: once, at its end, and never by a call that has become stale."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from schedules.models import Run
from schedules.testing import execute, execute_run
from tasks.meetings.jobs import end_meeting
from tasks.meetings.models import MEETING_ENDS, Meeting
from tasks.meetings.status import Status
from tests.tasks.meetings.meetings import HOUR, NOON, make_meeting, scheduled

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2020, 1, 1, 12, tzinfo=UTC)


def status_of(meeting: Meeting) -> str:
    return Meeting.objects.values_list("status", flat=True).get(pk=meeting.pk)


def test_the_run_that_waits_for_a_meeting_ends_it() -> None:
    meeting = make_meeting(end=LONG_AGO)
    waiting = Run.objects.get(natural_key=MEETING_ENDS.key(meeting.pk))

    run = execute_run(waiting)

    assert run.state == "succeeded"
    assert run.scheduled_at == LONG_AGO
    assert run.summary == f"Meeting {meeting.pk} is done."
    assert status_of(meeting) == Status.DONE
    assert scheduled() == {}


def test_a_second_delivery_of_the_run_changes_nothing() -> None:
    meeting = make_meeting(end=LONG_AGO)
    run = execute_run(Run.objects.get(natural_key=MEETING_ENDS.key(meeting.pk)))

    again = execute_run(run)

    assert (again.state, again.attempt) == ("succeeded", 1)


def _move(meeting: Meeting) -> None:
    meeting.end_time = NOON + HOUR
    meeting.save()


def _call_off(meeting: Meeting) -> None:
    meeting.status = Status.CANCELLED
    meeting.save()


def _end(meeting: Meeting) -> None:
    Meeting.objects.filter(pk=meeting.pk).update(status=Status.DONE)


def _delete(meeting: Meeting) -> None:
    Meeting.objects.filter(pk=meeting.pk).delete()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_move, "ends only at 2040-06-01T13:00:00+00:00"),
        (_call_off, "is cancelled already"),
        (_end, "is done already"),
        (_delete, "does not exist"),
    ],
)
def test_a_stale_call_changes_nothing_and_says_so(
    change: Callable[[Meeting], None], why: str
) -> None:
    meeting = make_meeting()
    change(meeting)
    before = list(Meeting.objects.values())

    result = end_meeting(meeting.pk, scheduled_at=NOON)
    run = execute(end_meeting, meeting.pk, scheduled_at=NOON)

    assert (result["success"], result["changed"]) == (True, False)
    assert why in result["message"]
    assert (run.state, run.summary) == ("succeeded", result["message"])
    assert list(Meeting.objects.values()) == before


def test_a_call_a_moment_too_early_changes_nothing() -> None:
    meeting = make_meeting()

    result = end_meeting(meeting.pk, scheduled_at=NOON - timedelta(microseconds=1))

    assert not result["changed"]
    assert status_of(meeting) == Status.UPCOMING


def test_switched_off_the_run_is_skipped_and_the_meeting_stays(settings: Settings) -> None:
    settings.ENABLE_MEETING_STATUS_UPDATES = False
    meeting = make_meeting(end=LONG_AGO)

    run = execute_run(Run.objects.get(natural_key=MEETING_ENDS.key(meeting.pk)))

    assert run.state == "skipped"
    assert "ENABLE_MEETING_STATUS_UPDATES" in run.reason
    assert status_of(meeting) == Status.UPCOMING


def test_a_call_without_a_whole_number_is_refused_before_it_is_stored() -> None:
    with pytest.raises(ValueError, match="meeting_id"):
        execute(end_meeting, "seventeen")

    assert not Run.objects.exists()
