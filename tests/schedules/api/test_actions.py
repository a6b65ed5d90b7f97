"""Acting on jobs and runs, and the pause of everything."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from schedules.models import AuditEntry, GlobalPause, Job, Run
from schedules.querysets.clock import database_now
from schedules.states import Origin, RunState
from tests.schedules.api.conftest import Api

pytestmark = pytest.mark.django_db

Make = Callable[..., Any]


def test_triggering_answers_with_the_execution(api: Api, make_job: Make) -> None:
    job = make_job("nightly")

    answer = api("POST", "/jobs/nightly/action", {"action": "trigger"})

    run = Run.objects.get()
    reply = answer.json()
    assert answer.status_code == 200
    assert (reply["success"], reply["message"]) == (True, "Job triggered successfully")
    assert reply["executionId"] == str(run.task_id)
    assert reply["job"]["id"] == job.pk
    assert (run.origin, run.requested_by) == (Origin.OPERATOR, "super-admin")
    assert [entry.action for entry in AuditEntry.objects.all()] == ["trigger"]


def test_the_same_idempotency_key_is_the_same_run(api: Api, make_job: Make) -> None:
    make_job("nightly")
    make_job("weekly")
    header = {"Idempotency-Key": "order-17"}

    first = api("POST", "/jobs/nightly/action", {"action": "trigger"}, headers=header)
    second = api("POST", "/jobs/nightly/action", {"action": "trigger"}, headers=header)
    other = api("POST", "/jobs/weekly/action", {"action": "trigger"}, headers=header)

    assert first.json()["executionId"] == second.json()["executionId"]
    assert Run.objects.count() == 1
    assert AuditEntry.objects.count() == 1
    assert other.status_code == 422
    assert other.json()["errors"][0]["parameter"] == "Idempotency-Key"


def test_a_key_is_replayed_after_the_job_was_disabled(api: Api, make_job: Make) -> None:
    job = make_job("nightly")
    header = {"Idempotency-Key": "order-18"}
    first = api("POST", "/jobs/nightly/action", {"action": "trigger"}, headers=header)
    Job.objects.filter(pk=job.pk).update(is_enabled=False, kwargs={"y": 3})

    again = api("POST", "/jobs/nightly/action", {"action": "trigger"}, headers=header)

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["executionId"] == again.json()["executionId"]
    assert Run.objects.count() == 1


def test_a_key_is_not_taken_for_other_arguments(api: Api, make_job: Make) -> None:
    make_job("nightly")
    header = {"Idempotency-Key": "order-19"}
    body = {"action": "trigger", "kwargs": {"y": 1}}
    first = api("POST", "/jobs/nightly/action", body, headers=header)

    other = api(
        "POST", "/jobs/nightly/action", {"action": "trigger", "kwargs": {"y": 2}}, headers=header
    )

    assert first.status_code == 200
    assert other.status_code == 422
    assert other.json()["errors"][0]["parameter"] == "Idempotency-Key"
    assert first.json()["executionId"] in other.json()["detail"]
    assert Run.objects.count() == 1


@pytest.mark.parametrize("verb", ["retry", "run-after-all"])
def test_a_retry_is_replayed_by_its_key(
    api: Api, make_run: Make, make_job: Make, verb: str
) -> None:
    now = database_now()
    ended = make_run("sample_jobs.add", 1, state=RunState.MISSED, finished_at=now)
    make_job("nightly")
    address, header = f"/runs/{ended.task_id}/{verb}", {"Idempotency-Key": "again-1"}

    first, second = (api("POST", address, headers=header) for _ in range(2))
    trigger = api("POST", "/jobs/nightly/action", {"action": "trigger"}, headers=header)

    assert (first.status_code, second.status_code, trigger.status_code) == (201, 201, 422)
    assert first.json()["executionId"] == second.json()["executionId"]
    assert Run.objects.count() == 2
    assert AuditEntry.objects.count() == 1


def test_a_trigger_heeds_if_match(api: Api, make_job: Make) -> None:
    make_job("nightly")
    tag = api("GET", "/jobs/nightly").headers["ETag"]
    Job.objects.update(version=2)

    stale = api("POST", "/jobs/nightly/action", {"action": "trigger"}, headers={"If-Match": tag})

    assert stale.status_code == 412
    assert not Run.objects.exists()
    fresh = {"If-Match": api("GET", "/jobs/nightly").headers["ETag"]}
    done = api("POST", "/jobs/nightly/action", {"action": "trigger"}, headers=fresh)
    assert done.status_code == 200


def test_a_triggers_entry_has_its_arguments_without_secrets(api: Api, make_job: Make) -> None:
    make_job("nightly", task="sample_jobs.talk", args=[], kwargs={"words": "hello"})

    api(
        "POST",
        "/jobs/nightly/action",
        {"action": "trigger", "kwargs": {"words": "password=hunter22"}, "reason": "asked"},
    )

    entry: Any = AuditEntry.objects.get()
    assert entry.after["kwargs"] == {"words": "password=***"}
    assert entry.after["args"] == []
    assert entry.after["executionId"] == str(Run.objects.get().task_id)


def test_a_refused_argument_is_pointed_at_where_it_was_sent(api: Api, make_job: Make) -> None:
    make_job("nightly")

    answer = api("POST", "/jobs/nightly/action", {"action": "trigger", "kwargs": {"y": "many"}})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/kwargs/y"


def test_a_job_that_may_not_overlap_answers_with_the_running_one(
    api: Api, make_job: Make, make_run: Make
) -> None:
    job = make_job("nightly")
    running = make_run(job=job, state=RunState.RUNNING, slot=1)

    answer = api("POST", "/jobs/nightly/action", {"action": "trigger"})

    assert answer.status_code == 409
    assert answer.json()["executionId"] == str(running.task_id)
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"action": "explode"}, 422),
        ({}, 422),
        ({"action": "trigger", "force": True}, 422),
        ({"action": "trigger", "kwargs": {"unknown": 1}}, 422),
        ({"action": "trigger", "until": "2099-01-01T00:00:00Z"}, 422),
        ({"action": "enable", "kwargs": {}}, 422),
        ({"action": "pause", "until": "2020-01-01T00:00:00Z"}, 422),
    ],
)
def test_an_action_that_makes_no_sense_does_nothing(
    api: Api, make_job: Make, body: dict[str, Any], status: int
) -> None:
    make_job("nightly")

    answer = api("POST", "/jobs/nightly/action", body)

    assert answer.status_code == status
    assert not Run.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_disabled_job_is_not_triggered(api: Api, make_job: Make) -> None:
    make_job("nightly", is_enabled=False)

    answer = api("POST", "/jobs/nightly/action", {"action": "trigger"})

    assert answer.status_code == 409
    assert "disabled" in answer.json()["detail"]


def test_pausing_ends_what_waits_and_resuming_begins_again(
    api: Api, make_job: Make, make_run: Make
) -> None:
    job = make_job("nightly", due=database_now() + timedelta(hours=1))
    waiting = make_run(job=job)
    until = "2099-01-01T00:00:00Z"

    paused = api(
        "POST", "/jobs/nightly/action", {"action": "pause", "until": until, "reason": "stocktaking"}
    ).json()
    waiting.refresh_from_db()
    resumed = api("POST", "/jobs/nightly/action", {"action": "resume"}).json()

    assert paused["message"] == "Job paused successfully"
    assert (paused["job"]["isPaused"], paused["job"]["isEnabled"]) == (True, True)
    assert (paused["job"]["pausedBy"], paused["job"]["pausedUntil"]) == ("super-admin", until)
    assert waiting.state == RunState.SKIPPED
    assert waiting.reason.startswith("paused by super-admin until 2099-01-01T00:00:00Z")
    assert resumed["job"]["isPaused"] is False
    # The waiting run stands for an instant before the pause.
    assert (paused["skippedRuns"], resumed["skippedRuns"]) == (None, 0)
    assert [entry.action for entry in AuditEntry.objects.order_by("id")] == ["pause", "resume"]


def test_disabling_and_enabling_follow_the_periodic_task(api: Api) -> None:
    from schedules.operations.install import install_declared

    install_declared(now=database_now())

    disabled = api("POST", "/jobs/daily/action", {"action": "disable"}).json()["job"]
    again = api("POST", "/jobs/daily/action", {"action": "disable"}).json()["job"]
    enabled = api("POST", "/jobs/daily/action", {"action": "enable"}).json()["job"]

    assert (disabled["isEnabled"], disabled["nextRunAt"]) == (False, None)
    assert again["version"] == disabled["version"]
    assert enabled["nextRunAt"] is not None
    assert enabled["overridden"] == ["enabled"]
    assert [entry.action for entry in AuditEntry.objects.order_by("id")] == ["disable", "enable"]


def test_everything_is_paused_once_and_resumed(api: Api) -> None:
    api("POST", "/pause-all", {"reason": "migration"})
    api("POST", "/pause-all")

    paused = api("GET", "/status").json()["isPaused"]
    resumed = api("POST", "/resume-all")

    assert paused is True
    assert GlobalPause.objects.count() == 1
    assert resumed.json()["isPaused"] is False
    assert api("GET", "/status").json()["isPaused"] is False
    actions = [entry.action for entry in AuditEntry.objects.order_by("id")]
    assert actions == ["pause_all", "resume_all"]


def test_the_scheduler_is_shut_down_once_what_works_has_ended_and_started_again(
    api: Api, make_run: Make
) -> None:
    running = make_run("sample_jobs.add", 4, state=RunState.RUNNING, publish_at=None)

    begun = api("POST", "/shutdown", {"reason": "database move"}).json()
    Run.objects.filter(pk=running.pk).update(state=RunState.LOST, finished_at=database_now())
    ended = api("POST", "/shutdown").json()
    started = api("POST", "/start").json()

    assert (begun["isDone"], begun["running"], begun["queued"]) == (False, 1, 0)
    assert (ended["isDone"], GlobalPause.objects.get().drain) == (True, True)
    assert (started["wasPaused"], started["isRunning"]) == (True, False)
    assert "daily" in started["created"]
    assert api("POST", "/start").json()["wasPaused"] is False
    actions = [(entry.action, entry.reason) for entry in AuditEntry.objects.order_by("id")]
    assert actions == [("shutdown", "database move"), ("recover", ""), ("start", "")]


def test_a_run_is_retried_as_a_new_one(api: Api, make_run: Make) -> None:
    failed = make_run("sample_jobs.add", 4, state=RunState.FAILED, finished_at=database_now())

    answer = api("POST", f"/runs/{failed.task_id}/retry", {"reason": "disk was full"})
    again = api("POST", f"/runs/{answer.json()['executionId']}/retry")

    new = Run.objects.get(parent_id=failed.task_id)
    failed.refresh_from_db()
    assert (answer.status_code, again.status_code) == (201, 409)
    assert (new.args, failed.state) == ([4], RunState.FAILED)
    assert [entry.reason for entry in AuditEntry.objects.all()] == ["disk was full"]


def test_a_waiting_run_is_cancelled_and_an_ended_one_is_not(api: Api, make_run: Make) -> None:
    run = make_run()

    first = api("POST", f"/runs/{run.task_id}/cancel")
    second = api("POST", f"/runs/{run.task_id}/cancel")

    assert (first.status_code, second.status_code) == (200, 409)
    assert first.json()["execution"]["statusName"] == "cancelled"
    assert [entry.action for entry in AuditEntry.objects.all()] == ["cancel"]


def test_a_flood_of_triggers_is_stopped(api: Api, make_job: Make) -> None:
    make_job("nightly")
    AuditEntry.objects.bulk_create(
        AuditEntry(
            at=database_now(),
            actor="super-admin",
            action="trigger",
            subject="job:nightly",
            source="api",
        )
        for _ in range(300)
    )

    answer = api("POST", "/jobs/nightly/action", {"action": "trigger"})

    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "60"
    assert not Run.objects.exists()
    assert Job.objects.get().is_enabled
