"""`scheduler status`, `jobs` and `runs`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from schedules.models import Instance, Job
from schedules.querysets.clock import database_now
from schedules.states import InstanceKind, InstanceStatus, Origin, RunState
from schedules.timing import Cron
from tests.schedules.management.conftest import Answer

Scheduler = Callable[..., Answer]
Make = Callable[..., Any]
pytestmark = pytest.mark.django_db

JOB_NAMES = {
    *("id", "key", "taskFunctionId", "taskFunctionKey", "jobTypeId", "jobTypeName"),
    *("nameEn", "nameAr", "descriptionEn", "descriptionAr", "cronExpression"),
    *("intervalSeconds", "intervalMinutes", "intervalHours", "intervalDays", "priority"),
    *("maxInstances", "misfireGraceTime", "coalesce", "isEnabled", "isActive", "isPrimary"),
    *("lastRunAt", "nextRunAt", "createdAt", "updatedAt"),
}
RUN_NAMES = {
    *("id", "jobId", "jobKey", "executionId", "scheduledAt", "startedAt", "completedAt"),
    *("durationMs", "statusId", "statusName", "errorMessage", "resultSummary", "executorId"),
    *("hostName", "attempt", "origin", "reason"),
}


@pytest.fixture
def beat() -> Instance:
    now = database_now()
    return Instance.objects.create(
        kind=InstanceKind.BEAT,
        name="beat@one",
        host="one",
        pid=17,
        status=InstanceStatus.RUNNING,
        started_at=now,
        heartbeat_at=now,
    )


def test_status_is_whole_before_any_beat_ran(scheduler: Scheduler) -> None:
    answer = scheduler("status", "--json")

    status = answer.document
    assert answer.code == 1
    assert status["isRunning"] is False
    assert status["lastHeartbeat"] == "1970-01-01T00:00:00Z"
    assert None not in status.values()
    assert status["health"]["beat"] == "down"


def test_status_knows_who_ticks(scheduler: Scheduler, beat: Instance, make_job: Make) -> None:
    make_job("one")
    make_job("two", is_enabled=False)
    make_job("gone", is_active=False)

    status = scheduler("status", "--json").document

    assert status["isRunning"] is True
    assert status["instanceId"] == str(beat.pk)
    assert status["activeInstances"] == 1
    assert (status["totalJobs"], status["enabledJobs"]) == (2, 1)
    assert [instance["isAlive"] for instance in status["instances"]] == [True]


def test_a_silent_beat_is_a_dead_one(scheduler: Scheduler, beat: Instance) -> None:
    Instance.objects.update(heartbeat_at=database_now() - timedelta(seconds=31))

    assert scheduler("status", "--json").document["isRunning"] is False
    assert "dead" in scheduler("status").out


def test_jobs_are_listed_with_the_names_of_the_api(scheduler: Scheduler, make_job: Make) -> None:
    make_job("nightly", timetable=Cron("30 0 * * *", tz="Asia/Jakarta"), misfire_grace=None)
    make_job("gone", is_active=False)

    (item,) = scheduler("jobs", "--json").document["items"]

    assert set(item) >= JOB_NAMES
    assert item["key"] == "nightly"
    assert (item["cronExpression"], item["timezone"]) == ("30 0 * * *", "Asia/Jakarta")
    assert item["misfireGraceTime"] == -1
    assert item["nextRunAt"] == "2026-03-02T12:00:00Z"


def test_jobs_cost_the_same_however_many(
    scheduler: Scheduler, make_job: Make, make_run: Make, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        job = make_job(f"job{number}")
        make_run(
            job=job,
            job_key=job.key,
            origin=Origin.TIMETABLE,
            state=RunState.FAILED,
            finished_at=job.next_run_at,
        )

    with django_assert_max_num_queries(6):  # one or two of them ask PostgreSQL for the time
        answer = scheduler("jobs")

    # The latest run decides the word; what is overdue counts more.
    assert answer.out.count(" late ") == 20
    assert answer.out.count(" failed ") == 20


def test_a_damaged_timetable_hides_no_other_job(scheduler: Scheduler, make_job: Make) -> None:
    make_job("whole")
    make_job("damaged")
    Job.objects.filter(key="damaged").update(timetable={"cron": 7}, invalid_reason="it is damaged")

    answer = scheduler("jobs")

    assert "whole" in answer.out
    assert "invalid" in answer.out
    assert len(scheduler("jobs", "--json").document["items"]) == 2


def test_a_run_is_told_with_the_names_of_the_api(
    scheduler: Scheduler, beat: Instance, make_run: Make, now: datetime
) -> None:
    run = make_run(
        job_key="nightly",
        state=RunState.SUCCEEDED,
        started_at=now,
        finished_at=now + timedelta(milliseconds=1500),
        attempt=2,
        summary="3 made",
        instance_id=beat.pk,
    )

    (item,) = scheduler("runs", "--json").document["items"]

    assert set(item) >= RUN_NAMES
    assert item["executionId"] == str(run.task_id)
    assert (item["statusId"], item["statusName"]) == (3, "success")
    assert (item["durationMs"], item["attempt"]) == (1500, 2)
    assert (item["hostName"], item["executorId"]) == ("one", str(beat.pk))
    assert (item["resultSummary"], item["errorMessage"]) == ("3 made", None)


def test_every_state_has_a_published_number(scheduler: Scheduler, make_run: Make) -> None:
    for state in RunState:
        final = state in {"succeeded", "failed", "missed", "skipped", "cancelled", "lost"}
        when = datetime(2026, 1, 1, tzinfo=UTC) if final or state == "timed_out" else None
        make_run(state=state, finished_at=when)

    items = scheduler("runs", "--json").document["items"]

    assert {item["statusName"]: item["statusId"] for item in items} == {
        "pending": 1,
        "running": 2,
        "success": 3,
        "failed": 4,
        "missed": 5,
        "skipped": 6,
        "cancelled": 7,
        "retrying": 8,
        "lost": 9,
        "timed_out": 10,
        "queued": 11,
    }


def test_what_is_parked_far_ahead_does_not_hide_what_happened(
    scheduler: Scheduler, make_run: Make
) -> None:
    happened = make_run()
    later = database_now() + timedelta(days=365)
    parked = make_run(scheduled_at=later, due_at=later, natural_key="meetings.end_meeting:1")

    def listed(*words: str) -> list[str]:
        items = scheduler("runs", *words, "--json").document["items"]
        return [item["executionId"] for item in items]

    assert listed() == [str(happened.task_id)]
    assert listed("--state", "pending") == [str(parked.task_id), str(happened.task_id)]


def test_runs_are_chosen_by_job_state_and_number(
    scheduler: Scheduler, make_job: Make, make_run: Make, now: datetime
) -> None:
    job = make_job("nightly")
    for minute in range(3):
        at = now + timedelta(minutes=minute)
        make_run(job=job, job_key=job.key, scheduled_at=at, due_at=at)
    make_run(job_key="other", state=RunState.FAILED, finished_at=now)

    assert len(scheduler("runs", "nightly", "--json").document["items"]) == 3
    assert len(scheduler("runs", "--limit", "2", "--json").document["items"]) == 2
    (failed,) = scheduler("runs", "--state", "failed", "--json").document["items"]
    assert failed["jobKey"] == "other"


@pytest.mark.parametrize("words", [["--state", "broken"], ["--limit", "0"], ["--limit", "1001"]])
def test_bad_choices_are_refused(scheduler: Scheduler, words: list[str]) -> None:
    answer = scheduler("runs", *words, "--json")

    assert answer.code == 2
    assert answer.document["error"]["found"] == words[1]


def test_empty_lists_say_what_to_do(scheduler: Scheduler) -> None:
    assert "scheduler install" in scheduler("jobs").out
    assert "scheduler jobs" in scheduler("runs").out
    assert scheduler("runs", "--json").document == {"items": []}


def test_stored_text_cannot_steer_the_terminal(scheduler: Scheduler, make_run: Make) -> None:
    make_run(job_key="evil\x1b[2J\nkey", task_id=uuid4())

    out = scheduler("runs").out

    assert "\x1b" not in out
    assert len(out.splitlines()) == 2
