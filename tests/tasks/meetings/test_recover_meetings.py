"""Recovery: whatever raw SQL or a failure has left, every upcoming meeting gets its run."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django_celery_results.models import TaskResult
from pytest_django import Settings

from schedules.models import Run
from schedules.testing import execute, execute_run
from tasks.meetings.jobs import recover_meetings
from tasks.meetings.models import MEETING_ENDS, Meeting
from tasks.meetings.scheduling import (
    cancel_meeting_status_update,
    ensure_scheduled_jobs_for_existing_meetings,
)
from tasks.meetings.status import Status
from tests.sql import run_sql
from tests.tasks.meetings.meetings import HOUR, NOON, make_meeting, make_meetings, scheduled
from tests.tasks.statements import statements

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2020, 1, 1, 12, tzinfo=UTC)


def forget_runs() -> None:
    run_sql("DELETE FROM schedules_run")


def test_meetings_without_a_run_get_one_and_the_numbers_add_up() -> None:
    lost, kept = make_meeting(), make_meeting()
    make_meeting(status=Status.DONE)
    cancel_meeting_status_update(lost.pk)

    found = ensure_scheduled_jobs_for_existing_meetings()

    assert found == {
        "total_meetings": 2,
        "jobs_scheduled": 1,
        "jobs_already_exist": 1,
        "errors": [],
        "success": True,
    }
    assert scheduled() == {lost.pk: NOON, kept.pk: NOON}


def test_a_second_recovery_changes_nothing() -> None:
    make_meetings(3)
    forget_runs()
    ensure_scheduled_jobs_for_existing_meetings()
    before = list(Run.objects.values())

    found = ensure_scheduled_jobs_for_existing_meetings()

    assert (found["jobs_scheduled"], found["jobs_already_exist"]) == (0, 3)
    assert list(Run.objects.values()) == before


def test_a_meeting_whose_end_has_passed_is_ended() -> None:
    meeting = make_meeting(end=LONG_AGO)
    forget_runs()

    found = ensure_scheduled_jobs_for_existing_meetings()
    execute_run(Run.objects.get(natural_key=MEETING_ENDS.key(meeting.pk)))

    assert found["jobs_scheduled"] == 1
    assert Meeting.objects.get().status == Status.DONE
    assert ensure_scheduled_jobs_for_existing_meetings()["total_meetings"] == 0


def test_a_meeting_that_raw_sql_has_moved_takes_its_run_along() -> None:
    meeting = make_meeting()
    moved_to = NOON - HOUR / 2
    run_sql("UPDATE meetings_meeting SET end_time = %s", moved_to)

    found = ensure_scheduled_jobs_for_existing_meetings()

    assert (found["jobs_scheduled"], found["jobs_already_exist"]) == (1, 0)
    assert scheduled() == {meeting.pk: moved_to}


def test_a_run_that_is_running_counts_as_scheduled() -> None:
    make_meeting()
    run_sql("UPDATE schedules_run SET state = 'running', publish_at = NULL, attempt = 1")

    assert ensure_scheduled_jobs_for_existing_meetings()["jobs_already_exist"] == 1
    assert Run.objects.count() == 1


def test_the_cost_does_not_grow_with_the_number_of_meetings() -> None:
    def recover() -> None:
        forget_runs()
        ensure_scheduled_jobs_for_existing_meetings()

    make_meetings(10)
    few = statements(recover)
    make_meetings(90)
    many = statements(recover)

    assert few == many
    assert Run.objects.count() == 100


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps such rows out")
def test_a_corrupted_meeting_is_reported_and_stops_no_other() -> None:
    meetings = make_meetings(7)
    forget_runs()
    run_sql(
        "UPDATE meetings_meeting SET end_time = '2040-99-99 00:00:00' WHERE id = %s", meetings[4].pk
    )

    run = execute(recover_meetings)

    data = TaskResult.objects.get(task_id=str(run.task_id)).result
    assert run.state == "failed"
    assert "7 upcoming meetings: 6 scheduled, 0 were already, 1 errors." in run.summary
    assert str(meetings[4].pk) in str(data)
    waiting = Run.objects.waiting().values_list("natural_key", flat=True)
    assert set(waiting) == {MEETING_ENDS.key(m.pk) for m in meetings if m is not meetings[4]}


def test_the_job_reports_what_it_found() -> None:
    make_meetings(2)
    forget_runs()

    run = execute(recover_meetings)

    assert run.state == "succeeded"
    assert run.summary == "2 upcoming meetings: 2 scheduled, 0 were already, 0 errors."


def test_switched_off_the_job_is_skipped(settings: Settings) -> None:
    settings.ENABLE_MEETING_STATUS_UPDATES = False
    make_meeting()
    forget_runs()

    run = execute(recover_meetings)

    assert run.state == "skipped"
    assert scheduled() == {}
