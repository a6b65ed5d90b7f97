"""The functions other code calls to schedule, cancel and list the ends of meetings."""

from datetime import datetime

import pytest

from tasks.meetings.scheduling import (
    cancel_meeting_status_update,
    get_scheduled_jobs,
    schedule_meeting_status_update,
)
from tests.tasks.meetings.meetings import HOUR, NOON, make_meeting, scheduled

pytestmark = pytest.mark.django_db


def test_scheduling_twice_moves() -> None:
    schedule_meeting_status_update(17, NOON)
    schedule_meeting_status_update(17, NOON)
    schedule_meeting_status_update(17, NOON + HOUR)

    assert scheduled() == {17: NOON + HOUR}


def test_a_naive_end_is_refused_in_one_sentence() -> None:
    naive = datetime(2040, 6, 1, 12)  # noqa: DTZ001 - what is refused

    with pytest.raises(ValueError, match=r"2040-06-01T12:00:00.*UTC offset"):
        schedule_meeting_status_update(17, naive)


def test_cancelling_takes_the_run_away() -> None:
    meeting = make_meeting()

    cancel_meeting_status_update(meeting.pk)

    assert scheduled() == {}


def test_cancelling_an_unknown_meeting_does_nothing() -> None:
    cancel_meeting_status_update(4711)

    assert scheduled() == {}


def test_the_list_says_what_runs_when() -> None:
    later, sooner = make_meeting(end=NOON + HOUR), make_meeting()

    jobs = get_scheduled_jobs()

    assert [job["meeting_id"] for job in jobs] == [sooner.pk, later.pk]
    assert jobs[0]["id"] == f"meetings.end_meeting:{sooner.pk}"
    assert jobs[0]["next_run_time"] == NOON
    assert jobs[0]["state"] == "planned"
    assert len(jobs[0]["task_id"]) == 36
