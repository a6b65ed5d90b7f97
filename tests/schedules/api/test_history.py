"""`/history`, `/runs`, `/status`, `/cleanup` and the fixed lists."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from schedules.models import AuditEntry, Instance, Job, Run
from schedules.operations.stock import refresh_stock_columns
from schedules.operations.wording import iso
from schedules.querysets.clock import database_now
from schedules.states import FINAL, Origin
from schedules.testing import execute
from tests.schedules.api.conftest import Api
from tests.schedules.sample_jobs import report_failure

pytestmark = pytest.mark.django_db

FIELDS = {
    *("id", "jobId", "executionId", "scheduledAt", "startedAt", "completedAt", "durationMs"),
    *("statusId", "statusName", "errorMessage", "resultSummary", "executorId", "hostName"),
}


@pytest.fixture
def runs(make_job: Callable[..., Job]) -> list[Run]:
    """Runs of one job, one in each final state, a minute apart, the newest first."""
    now = database_now()
    job = make_job("nightly", due=now + timedelta(hours=1))
    return [
        Run.objects.create(
            job=job,
            job_key=job.key,
            origin=Origin.TIMETABLE,
            task=job.task,
            state=state,
            scheduled_at=now - timedelta(minutes=number),
            due_at=now - timedelta(minutes=number),
            started_at=now - timedelta(minutes=number),
            finished_at=now - timedelta(minutes=number) + timedelta(seconds=4),
        )
        for number, state in enumerate(sorted(FINAL))
    ]


def test_the_history_has_its_fields_and_envelope(api: Api, runs: list[Run]) -> None:
    page = api("GET", "/history?per_page=3").json()

    assert page.keys() >= {"items", "total", "page", "perPage", "totalPages"}
    assert (page["total"], page["totalPages"], len(page["items"])) == (7, 3, 3)
    assert page["items"][0].keys() >= FIELDS
    assert page["items"][0]["durationMs"] == 4000
    assert page["items"][0]["hostName"] is not None
    assert [item["executionId"] for item in page["items"]] == [str(r.task_id) for r in runs[:3]]


def test_failed_includes_lost_and_timed_out(api: Api, runs: list[Run]) -> None:
    failed = api("GET", "/jobs/nightly/history?status_id=4").json()["items"]
    succeeded = api("GET", "/history?status_id=3").json()["items"]

    assert {item["statusName"] for item in failed} == {"failed", "lost", "timed_out"}
    assert [item["statusName"] for item in succeeded] == ["success"]


def test_a_cursor_leads_through_all_of_them_once(api: Api, runs: list[Run]) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        asked = f"&cursor={cursor}" if cursor else ""
        page = api("GET", f"/history?per_page=2{asked}").json()
        seen += [item["executionId"] for item in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break

    assert seen == [str(run.task_id) for run in runs]


@pytest.mark.parametrize("cursor", ["x", "%00", "MjAyNg", "💥", "IDE"])
def test_a_made_up_cursor_is_refused(api: Api, cursor: str) -> None:
    answer = api("GET", f"/history?cursor={cursor}")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "cursor"


@pytest.mark.parametrize(
    "query", ["page=0", "page=x", "per_page=101", "per_page=0", "status_id=99", "page=99999"]
)
def test_a_page_that_cannot_be_is_refused(api: Api, query: str) -> None:
    answer = api("GET", f"/history?{query}")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == query.partition("=")[0]


def test_a_run_shows_what_went_in_and_came_out(api: Api) -> None:
    run = execute(report_failure, "no rows")

    reply = api("GET", f"/runs/{run.task_id}").json()

    assert (reply["statusName"], reply["resultSummary"]) == ("failed", "no rows")
    assert reply["args"] == ["no rows"]
    assert reply["resultData"] == {"success": False, "message": "no rows", "rows": 3}
    assert api("GET", f"/runs/{run.task_id}/log").json()["log"] == ""


def test_the_status_is_whole_before_any_beat_ever_ran(api: Api) -> None:
    reply = api("GET", "/status").json()

    assert None not in reply.values()
    assert (reply["isRunning"], reply["activeInstances"]) == (False, 0)
    assert reply["instances"] == []


def test_cleaning_up_says_what_it_deleted(api: Api, runs: list[Run]) -> None:
    old = database_now() - timedelta(days=31)
    for number, run in enumerate(runs[:5]):
        at = old - timedelta(minutes=number)
        Run.objects.filter(pk=run.pk).update(scheduled_at=at, finished_at=at)

    reply = api("POST", "/cleanup").json()

    assert reply == {
        "deletedCount": 5,
        "message": "Cleaned up 5 execution records older than 30 days",
    }
    assert Run.objects.count() == 2
    assert [entry.action for entry in AuditEntry.objects.all()] == ["cleanup"]
    assert api("POST", "/cleanup", {"retentionDays": 0}).status_code == 422


def test_the_fixed_lists_have_their_numbers(api: Api) -> None:
    types = api("GET", "/job-types").json()
    statuses: list[dict[str, Any]] = api(
        "GET", "/execution-statuses", headers={"Accept-Language": "id"}
    ).json()

    assert [(item["id"], item["name"]) for item in types][:2] == [(1, "interval"), (2, "cron")]
    first = [(item["id"], item["name"]) for item in statuses[:4]]
    assert first == [(1, "pending"), (2, "running"), (3, "success"), (4, "failed")]
    assert statuses[2]["label"] == "Berhasil"
    assert all(item["nameAr"] for item in [*types, *statuses])


@pytest.mark.parametrize("path", ["/jobs?per_page=20", "/history?per_page=20"])
def test_a_list_takes_six_statements_at_most(
    api: Api, runs: list[Run], path: str, django_assert_max_num_queries: Any
) -> None:
    now = database_now()
    for run in runs:
        worker = Instance.objects.create(
            kind="worker",
            name="w",
            host="h",
            pid=1,
            mode="standalone",
            status="running",
            started_at=now,
            heartbeat_at=now,
        )
        Run.objects.filter(pk=run.pk).update(instance_id=worker.pk)
    refresh_stock_columns(now=now)  # as every Beat does
    api("GET", path)  # notes the use of the token, reads the clock

    with django_assert_max_num_queries(6):
        answer = api("GET", path)

    assert answer.status_code == 200
    assert answer.json()["items"]


def test_last_run_is_told_while_it_runs_and_when_it_has_just_ended(
    api: Api, make_job: Callable[..., Job], make_run: Callable[..., Run]
) -> None:
    now = database_now()
    fresh, busy, idle = (make_job(key) for key in ("fresh", "busy", "idle"))
    begun, earlier = now - timedelta(seconds=3), now - timedelta(hours=2)
    Job.objects.update(last_run_at=earlier)
    ended = {"state": "succeeded", "started_at": begun, "finished_at": now, "slot": None}
    make_run(job=fresh, **ended)
    make_run(job=busy, state="running", started_at=begun, slot=1)
    make_run(job=idle, state="skipped", finished_at=now)

    listed = {job["key"]: job["lastRunAt"] for job in api("GET", "/jobs").json()["items"]}

    assert listed == {"fresh": iso(begun), "busy": iso(begun), "idle": iso(earlier)}
    assert api("GET", "/jobs/fresh").json()["lastRunAt"] == iso(begun)
    keyed = api("GET", "/api/v1/scheduled-jobs/busy").json()
    assert keyed["last_run_at"] == iso(begun)


def test_what_ended_of_late_is_found_without_reading_the_clock_at_each_run(
    api: Api, make_job: Callable[..., Job]
) -> None:
    make_job("any")

    with CaptureQueriesContext(connection) as asked:
        api("GET", "/jobs")

    (starts,) = [query["sql"] for query in asked if "MAX(started_at)" in query["sql"]]
    assert "CLOCK_TIMESTAMP" not in starts.upper()


def test_a_token_for_viewing_sees_no_errors_and_no_results(
    api: Api, make_api: Callable[..., Api], runs: list[Run]
) -> None:
    details = {"error": "of a secret", "summary": "of a secret", "suspect_reason": "of a secret"}
    Run.objects.update(**details)
    viewer = make_api(name="viewer", scope="view")
    nominal = iso(runs[0].scheduled_at)

    for address in (
        *("/history", "/jobs/nightly/history", "/missed", f"/explain?job=nightly&at={nominal}"),
        "/api/v1/scheduled-jobs/executions/recent",
    ):
        whole, narrow = api("GET", address), viewer("GET", address)

        assert (whole.status_code, narrow.status_code) == (200, 200)
        assert "of a secret" in whole.content.decode(), address
        assert "of a secret" not in narrow.content.decode(), address
    assert viewer("GET", "/history").json()["items"][0]["errorMessage"] is None
