"""Bulk recovery over the API: failures of one cause, missed runs, calls that wait."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from schedules.models import AuditEntry, Job, Run
from schedules.querysets.clock import database_now
from schedules.states import Origin, RunState
from tests.schedules.api.conftest import Api, api, make_api  # noqa: F401 - fixtures
from tests.schedules.dashboard.conftest import operator, reader  # noqa: F401
from tests.schedules.management.conftest import scheduler  # noqa: F401

Make = Callable[..., Any]
pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def now() -> datetime:
    return database_now()


@pytest.fixture
def failed(make_run: Make, make_job: Make, now: datetime) -> list[Run]:
    """Four runs that failed of one cause, and one of another."""
    job = make_job("nightly", due=now + HOUR)
    errors = [f"OSError: disk {number} is full" for number in range(4)] + ["KeyError: 'x'"]
    return [
        make_run(
            "sample_jobs.add",
            7,
            job=job,
            job_key=job.key,
            origin=Origin.TIMETABLE,
            state=RunState.FAILED,
            scheduled_at=now - place * timedelta(minutes=1) - timedelta(minutes=1),
            finished_at=now,
            error=error,
        )
        for place, error in enumerate(errors)
    ]


def test_a_group_is_run_again_once_each_for_its_own_time(
    api: Api,  # noqa: F811
    failed: list[Run],
) -> None:
    groups = api("GET", "/failures").json()["items"]
    assert [(each["count"], each["exception"]) for each in groups] == [
        (4, "OSError"),
        (1, "KeyError"),
    ]

    answer = api("POST", f"/failures/{groups[0]['id']}/retry", {"reason": "the disk is free"})

    assert answer.json() == {"retried": 4, "refused": [], "left": 0}
    again = Run.objects.filter(origin=Origin.OPERATOR)
    assert {(run.parent_id, run.scheduled_at, run.state) for run in again} == {
        (run.task_id, run.scheduled_at, "planned") for run in failed[:4]
    }
    assert [run.args for run in again] == [[7]] * 4
    assert Run.objects.ready_to_send(database_now()).count() == 4
    assert Run.objects.filter(state=RunState.FAILED).count() == 5
    entry = AuditEntry.objects.get()
    assert (entry.action, (entry.after or {})["runs"], entry.reason) == (
        "retry_group",
        4,
        "the disk is free",
    )
    second = api("POST", f"/failures/{groups[0]['id']}/retry", {})
    assert second.status_code == 409
    assert "list the groups again" in second.json()["detail"]
    assert [each["exception"] for each in api("GET", "/failures").json()["items"]] == ["KeyError"]


def test_runs_that_cannot_run_again_stay_in_their_group(
    api: Api,  # noqa: F811
    failed: list[Run],
) -> None:
    Run.objects.filter(pk=failed[0].pk).update(args=["none"])
    group = api("GET", "/failures").json()["items"][0]["id"]

    done = api("POST", f"/failures/{group}/retry", {}).json()

    assert (done["retried"], done["left"], len(done["refused"])) == (3, 1, 1)
    assert "x is 'none'" in done["refused"][0]
    assert api("GET", "/failures").json()["items"][0]["count"] == 1


def test_a_group_is_dismissed_with_a_reason_only(
    api: Api,  # noqa: F811
    failed: list[Run],
) -> None:
    group = api("GET", "/failures").json()["items"][0]["id"]

    refused = api("POST", f"/failures/{group}/dismiss", {"reason": "  "})
    assert (refused.status_code, AuditEntry.objects.count()) == (422, 0)
    assert api("POST", f"/failures/{group}/dismiss", {"reason": "a test"}).json() == {
        "dismissed": 4
    }

    assert Run.objects.filter(dismissed_at__isnull=False).count() == 4
    assert Run.objects.filter(state=RunState.FAILED).count() == 5
    wrong_way = {"from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z", "reason": "x"}
    assert api("POST", f"/failures/{group}/dismiss", wrong_way).status_code == 422


def test_a_missed_run_runs_for_its_time_or_is_let_be(
    api: Api,  # noqa: F811
    make_run: Make,
    make_job: Make,
    now: datetime,
) -> None:
    job = make_job("nightly", due=now - HOUR)
    fields = {"job": job, "job_key": job.key, "origin": Origin.TIMETABLE, "finished_at": now}
    missed = [
        make_run("sample_jobs.add", 1, state=RunState.MISSED, scheduled_at=now - n * HOUR, **fields)
        for n in (1, 2)
    ]
    shown = api("GET", "/missed").json()
    assert [each["executionId"] for each in shown["items"]] == [str(run.task_id) for run in missed]
    assert shown["late"][0]["jobKey"] == "nightly"

    again = api("POST", f"/runs/{missed[0].task_id}/run-after-all", {"reason": "now"})
    dismissed = api("POST", f"/runs/{missed[1].task_id}/dismiss", {"reason": "a holiday"})

    assert again.status_code == 201
    assert Run.objects.get(parent_id=missed[0].task_id).scheduled_at == missed[0].scheduled_at
    assert dismissed.json()["dismissedAt"]
    assert api("GET", "/missed").json()["items"] == []
    assert len(api("GET", "/missed?dismissed=true").json()["items"]) == 2
    outside = {"at": "2020-01-01T00:00:00Z"}
    assert api("POST", f"/runs/{missed[0].task_id}/run-after-all", outside).status_code == 422
    assert (
        api("POST", f"/runs/{again.json()['executionId']}/dismiss", {"reason": "x"}).status_code
        == 409
    )


def test_one_offs_are_listed_moved_and_cancelled(
    api: Api,  # noqa: F811
    make_run: Make,
    now: datetime,
) -> None:
    calls = [
        make_run(natural_key=f"parcel:{n}", scheduled_at=now + n * HOUR, due_at=now + n * HOUR)
        for n in (1, 2, 3)
    ]
    page = api("GET", "/timers?q=parcel&per_page=2").json()
    assert [each["naturalKey"] for each in page["items"]] == ["parcel:1", "parcel:2"]
    rest = api("GET", f"/timers?q=parcel&after={page['nextAfter']}").json()
    assert [each["naturalKey"] for each in rest["items"]] == ["parcel:3"]

    moved = api("PATCH", f"/timers/{calls[0].task_id}", {"dueAt": "2040-01-01T00:00:00Z"})
    assert moved.json()["dueAt"] == "2040-01-01T00:00:00Z"
    assert Run.objects.get(pk=calls[0].pk).due_at.year == 2040
    assert api("POST", f"/runs/{calls[1].task_id}/cancel", {}).status_code == 200
    assert Run.objects.get(pk=calls[1].pk).state == RunState.CANCELLED

    past = api("PATCH", f"/timers/{calls[2].task_id}", {"dueAt": "2020-01-01T00:00:00Z"})
    assert (past.status_code, Run.objects.get(pk=calls[2].pk).due_at) == (422, calls[2].due_at)
    assert (
        api("PATCH", f"/timers/{calls[1].task_id}", {"dueAt": "2041-01-01T00:00:00Z"}).status_code
        == 409
    )


def test_the_command_and_the_page_do_the_same(
    scheduler: Callable[..., Any],  # noqa: F811
    operator: Any,  # noqa: F811
    failed: list[Run],
) -> None:
    group = scheduler("failures", "--json").document["items"][0]
    assert scheduler("failures", "--dismiss", group["id"]).code == 2
    assert scheduler("failures", "--retry", "0000000000000000").code == 4
    page = operator.get("/scheduler/runs/failures").content.decode()
    assert f"/scheduler/runs/failures/{group['id']}/retry" in page
    address = f"/scheduler/runs/failures/{group['id']}/retry"
    assert "4 failures of nightly" in operator.get(address).content.decode()

    assert operator.post(address, {"period": "day"}).status_code == 302

    assert Run.objects.filter(origin=Origin.OPERATOR).count() == 4
    assert operator.post(address, {"period": "day"}).status_code == 302
    assert Run.objects.filter(origin=Origin.OPERATOR).count() == 4
    other = scheduler("failures", "--json").document["items"][0]["id"]
    done = scheduler("failures", "--dismiss", other, "--reason", "a test", "--json")
    assert done.document == {"dismissed": 1}
    assert "No failure" in scheduler("failures").out
    Job.objects.all().update(is_enabled=False)
    assert scheduler("missed").out.startswith("Nothing is late")
    assert scheduler("timers", "--move", "x").code == 2


def test_the_command_runs_a_group_again_and_the_page_dismisses_one(
    scheduler: Callable[..., Any],  # noqa: F811
    operator: Any,  # noqa: F811
    failed: list[Run],
) -> None:
    first, second = scheduler("failures", "--json").document["items"]
    address = f"/scheduler/runs/failures/{second['id']}/dismiss"

    done = scheduler("failures", "--retry", first["id"], "--reason", "disk is free", "--json")
    unsaid = operator.post(address, {"period": "day", "reason": " "})
    page = operator.post(address, {"period": "day", "reason": "a test"}, follow=True)

    assert done.document == {"retried": 4, "refused": [], "left": 0}
    assert (unsaid.status_code, "Dismissed: 1." in page.content.decode()) == (422, True)
    assert Run.objects.get(pk=failed[4].pk).dismissed_at is not None
    entries = AuditEntry.objects.order_by("id").values_list("action", "source", "reason")
    assert list(entries) == [
        ("retry_group", "cli", "disk is free"),
        ("dismiss_group", "dashboard", "a test"),
    ]
