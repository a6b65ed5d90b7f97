"""Fixtures, which Django loads past `Meeting.save`, bring their runs with them all the same."""

from pathlib import Path

import pytest
from django.core.management import call_command

from schedules.models import Run
from tasks.meetings.models import Meeting
from tasks.meetings.status import Status
from tests.tasks.meetings.meetings import make_meeting, make_meetings, scheduled

pytestmark = pytest.mark.django_db(transaction=True)


def test_loaded_meetings_have_the_runs_that_end_them(tmp_path: Path) -> None:
    meetings = make_meetings(3)
    make_meeting(status=Status.CANCELLED)
    dump = tmp_path / "meetings.json"
    call_command("dumpdata", "meetings.meeting", output=str(dump), verbosity=0)
    Meeting.objects.all().delete()
    Run.objects.all().delete()

    call_command("loaddata", str(dump), verbosity=0)

    assert scheduled() == {meeting.pk: meeting.end_time for meeting in meetings}


def test_a_fixture_with_meetings_and_runs_loads_both_as_they_are(tmp_path: Path) -> None:
    meeting = make_meeting()
    before = list(Run.objects.values("pk", "task_id", "natural_key", "state"))
    dump = tmp_path / "all.json"
    call_command("dumpdata", "meetings.meeting", "schedules.run", output=str(dump), verbosity=0)
    Meeting.objects.all().delete()
    Run.objects.all().delete()

    call_command("loaddata", str(dump), verbosity=0)

    assert scheduled() == {meeting.pk: meeting.end_time}
    assert list(Run.objects.values("pk", "task_id", "natural_key", "state")) == before
