"""The main job, end to end: a meeting ends on its second, by Beat and worker."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from project.devstack.waiting import wait_until
from schedules.models import Run
from tasks.meetings.models import Meeting
from tasks.meetings.status import Status
from tests.stack.system import System

pytestmark = [pytest.mark.stack, pytest.mark.smoke]


def test_a_meeting_ends_when_its_end_has_come_and_not_before(running: System) -> None:
    end = datetime.now(UTC) + timedelta(seconds=3)
    meeting = Meeting.objects.create(
        title="Stand-up", start_time=end - timedelta(hours=1), end_time=end
    )
    run = Run.objects.get(natural_key=f"meetings.end_meeting:{meeting.pk}")
    assert (run.due_at, run.sends) == (end, 0)

    ended = Meeting.objects.filter(pk=meeting.pk, status=Status.DONE)
    wait_until(ended.exists, what="the end of the meeting")

    run.refresh_from_db()
    assert run.started_at is not None
    assert timedelta(0) <= run.started_at - end < timedelta(seconds=2)
    shown = running.run("manage.py", "scheduler", "runs", "--json")
    assert shown.returncode == 0, shown.stderr
    [mine] = [r for r in json.loads(shown.stdout)["items"] if r["executionId"] == str(run.task_id)]
    assert (mine["statusName"], mine["resultSummary"]) == (
        "success",
        f"Meeting {meeting.pk} is done.",
    )


def test_a_moved_meeting_ends_at_its_new_time_and_a_cancelled_one_never(running: System) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=2)
    later = soon + timedelta(seconds=2)
    times = {"start_time": soon - timedelta(hours=1), "end_time": soon}
    moved, cancelled = Meeting.objects.bulk_create(
        [Meeting(title=title, **times) for title in ("moved", "cancelled")]
    )

    Meeting.objects.filter(pk=moved.pk).update(end_time=later)
    key = f"meetings.end_meeting:{cancelled.pk}"
    cancelled.delete()

    ended = Meeting.objects.filter(pk=moved.pk, status=Status.DONE)
    wait_until(ended.exists, what="the end of the meeting")
    run = Run.objects.get(natural_key=f"meetings.end_meeting:{moved.pk}")
    assert run.started_at is not None
    assert timedelta(0) <= run.started_at - later < timedelta(seconds=2)
    dropped = Run.objects.get(natural_key=key)
    assert (dropped.state, dropped.attempt) == ("cancelled", 0)
