"""`/scheduled-jobs` in snake_case, and `/debug/scheduler`."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_celery_results.models import TaskResult

from schedules.models import Job, Run
from schedules.operations.install import install_declared
from schedules.querysets.clock import database_now
from schedules.states import Origin, RunState
from schedules.testing import execute
from tests.schedules.api.conftest import Api
from tests.schedules.sample_jobs import daily

pytestmark = pytest.mark.django_db

KEYED = "/api/v1/scheduled-jobs"
FIELDS = {
    *("job_id", "started_at", "finished_at", "duration_seconds", "success", "message"),
    *("error_trace", "result_data"),
}


@pytest.fixture
def hr(make_api: Callable[..., Api]) -> Api:
    return make_api("HR Admin")


def test_jobs_are_listed_and_shown_by_key(hr: Api) -> None:
    install_declared(now=database_now())

    listed = hr("GET", f"{KEYED}/")
    shown = hr("GET", f"{KEYED}/daily")

    assert "daily" in [item["job_id"] for item in listed.json()]
    assert int(listed.headers["X-Total-Count"]) == Job.objects.count()
    assert hr("GET", KEYED).json() == listed.json()
    assert (shown.json()["job_id"], shown.json()["is_enabled"]) == ("daily", True)
    assert hr("GET", f"{KEYED}/nobody").status_code == 404


def test_an_execution_has_the_older_fields(hr: Api) -> None:
    install_declared(now=database_now())
    run = execute(daily)
    Run.objects.filter(pk=run.pk).update(
        finished_at=run.started_at and run.started_at + timedelta(microseconds=1_234_567)
    )

    item = hr("GET", f"{KEYED}/daily/history").json()[0]
    recent = hr("GET", f"{KEYED}/executions/recent?limit=1").json()

    assert item.keys() >= FIELDS
    assert (item["job_id"], item["success"], item["result_data"]) == ("daily", True, "done")
    assert item["duration_seconds"] == 1.234
    assert recent == [item]


def test_a_token_for_viewing_sees_no_results_and_no_tracebacks(
    hr: Api, make_api: Callable[..., Api]
) -> None:
    install_declared(now=database_now())
    run = execute(daily)
    TaskResult.objects.filter(task_id=run.task_id).update(traceback="secret = 1")
    viewer = make_api(name="viewer", scope="view")

    for address in ("daily/history", "executions/recent"):
        [whole] = hr("GET", f"{KEYED}/{address}").json()
        [narrow] = viewer("GET", f"{KEYED}/{address}").json()

        assert (whole["error_trace"], whole["result_data"]) == ("secret = 1", "done")
        hidden = {"message": None, "error_trace": None, "result_data": None}
        assert narrow == whole | hidden


def test_only_a_super_admin_triggers(api: Api, make_api: Callable[..., Api], make_job: Any) -> None:
    make_job("nightly")
    refused = make_api("HR Admin")("POST", f"{KEYED}/nightly/trigger")
    employee = make_api("Employee")("GET", f"{KEYED}/")

    done = api("POST", f"{KEYED}/nightly/trigger").json()

    run = Run.objects.get()
    assert (refused.status_code, employee.status_code) == (403, 403)
    assert (done["success"], done["execution_id"]) == (True, str(run.task_id))
    assert (run.origin, run.state) == (Origin.OPERATOR, RunState.SENT)


def test_the_debug_page_is_for_this_machine_and_for_staff(
    make_job: Any, make_run: Any, settings: Any
) -> None:
    make_job("nightly")
    make_run(natural_key="meetings.end_meeting:17")
    page = "/debug/scheduler"
    here, elsewhere, staff = Client(), Client(REMOTE_ADDR="10.1.2.3"), Client()
    staff.defaults["REMOTE_ADDR"] = "10.1.2.3"
    staff.force_login(User.objects.create_superuser("root"))

    document = here.get(page).json()

    assert [job["id"] for job in document["jobs"]] == ["nightly", "meetings.end_meeting:17"]
    assert document["scheduler_running"] is False
    assert elsewhere.get(page).status_code == 404
    assert here.get(page, headers={"X-Forwarded-For": "10.1.2.3"}).status_code == 404
    assert staff.get(page).status_code == 200
    settings.ENVIRONMENT = "prod"
    assert here.get(page).status_code == 404
    assert staff.get(page).status_code == 404


def test_the_older_trigger_takes_no_fields_and_heeds_a_key(make_api: Callable[..., Api]) -> None:
    install_declared(now=database_now())
    ask, address = make_api(), f"{KEYED}/daily/trigger"
    header = {"Idempotency-Key": "night-1"}

    asked = ask("POST", address, {"kwargs": {"days": 3}})
    first, second = ask("POST", address, {}, headers=header), ask("POST", address, headers=header)

    assert asked.status_code == 422
    assert asked.json()["errors"][0]["pointer"] == "#/kwargs"
    assert first.json()["execution_id"] == second.json()["execution_id"]
    assert Run.objects.count() == 1
