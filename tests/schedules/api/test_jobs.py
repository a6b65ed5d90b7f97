"""`/jobs`: making, reading, changing and deleting."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django_celery_beat.models import PeriodicTask

from schedules.models import AuditEntry, Job, Run, TaskFunction
from schedules.operations.install import install_declared
from schedules.operations.wording import iso
from schedules.querysets.clock import database_now
from schedules.states import Origin, RunState
from tests.schedules.api.conftest import Api

pytestmark = pytest.mark.django_db

D_FIELDS = {
    *("id", "taskFunctionId", "taskFunctionKey", "jobTypeId", "jobTypeName", "nameEn", "nameAr"),
    *("descriptionEn", "descriptionAr", "cronExpression", "intervalSeconds", "intervalMinutes"),
    *("intervalHours", "intervalDays", "priority", "maxInstances", "misfireGraceTime", "coalesce"),
    *("isEnabled", "isActive", "isPrimary", "lastRunAt", "nextRunAt", "createdAt", "updatedAt"),
}


@pytest.fixture
def job(api: Api, add: TaskFunction) -> dict[str, Any]:
    body = {"taskFunctionId": add.pk, "intervalMinutes": 30, "kwargs": {"x": 1}, "nameEn": "Sum"}
    made: dict[str, Any] = api("POST", "/jobs", body).json()
    AuditEntry.objects.all().delete()
    return made


def test_an_interval_job_has_the_published_fields_and_defaults(api: Api, add: TaskFunction) -> None:
    body = {
        "taskFunctionId": add.pk,
        "nameEn": "HRIS Sync",
        "nameAr": "مزامنة الموارد البشرية",
        "intervalMinutes": 30,
        "priority": 5,
        "maxInstances": 1,
        "isEnabled": True,
        "kwargs": {"x": 1},
    }
    answer = api("POST", "/jobs", body)

    reply = answer.json()
    assert answer.status_code == 201
    assert reply.keys() >= D_FIELDS
    assert {name: reply[name] for name in body} == body
    assert (reply["jobTypeId"], reply["jobTypeName"]) == (1, "interval")
    assert (reply["misfireGraceTime"], reply["coalesce"], reply["isActive"]) == (60, True, True)
    assert reply["nextRunAt"].endswith("Z")
    assert answer.headers["Location"].endswith(f"/jobs/{reply['id']}")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.source) == ("create", "super-admin", "api")


def test_a_cron_job_is_in_force_at_once(api: Api, add: TaskFunction) -> None:
    body = {"taskFunctionKey": "add", "cronExpression": "0 2 * * *", "kwargs": {"x": 1}}

    reply = api("POST", "/jobs", {**body, "timezone": "Asia/Jakarta"}).json()

    stored = Job.objects.get(pk=reply["id"])
    assert (reply["jobTypeId"], reply["cronExpression"]) == (2, "0 2 * * *")
    assert (reply["timezone"], reply["dayRule"]) == ("Asia/Jakarta", "any")
    assert stored.next_due_at is not None
    assert stored.periodic_task is not None
    assert str(stored.periodic_task.crontab.hour) == "2"


def test_an_expression_that_celery_cannot_say_leaves_a_crontab_that_never_fires(
    api: Api, add: TaskFunction
) -> None:
    body = {"taskFunctionKey": "add", "cronExpression": "0 2 L * *", "kwargs": {"x": 1}}

    reply = api("POST", "/jobs", body).json()

    assert reply["cronExpression"] == "0 2 L * *"
    assert str(PeriodicTask.objects.get(name=reply["key"]).crontab.day_of_month) == "31"


def test_one_date_may_run_however_late(api: Api, add: TaskFunction) -> None:
    at = iso(database_now() + timedelta(days=400))

    reply = api("POST", "/jobs", {"taskFunctionKey": "add", "runAt": at, "kwargs": {"x": 1}}).json()

    assert (reply["jobTypeName"], reply["misfireGraceTime"]) == ("clocked", -1)
    assert reply["runAt"] == reply["nextRunAt"] == at


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/cronExpression"),
        ({"intervalMinutes": 1, "cronExpression": "* * * * *"}, "#/cronExpression"),
        ({"cronExpression": "61 * * * *"}, "#/cronExpression"),
        ({"cronExpression": "0 0 32 * *"}, "#/cronExpression"),
        ({"cronExpression": "0 0 * * 8"}, "#/cronExpression"),
        ({"cronExpression": "0 0 31 2 *"}, "#/cronExpression"),
        ({"cronExpression": "* * * * *", "timezone": "Mars/Olympus"}, "#/timezone"),
        ({"intervalSeconds": 0}, "#/cronExpression"),
        ({"intervalSeconds": -5}, "#/intervalSeconds"),
        ({"intervalSeconds": "5"}, "#/intervalSeconds"),
        ({"intervalDays": 10_000}, "#/intervalDays"),
        ({"intervalMinutes": 5, "maxInstances": 11}, "#/maxInstances"),
        ({"intervalMinutes": 5, "maxInstances": 0}, "#/maxInstances"),
        ({"intervalMinutes": 5, "interval_minutes": 5}, "#/interval_minutes"),
        ({"intervalMinutes": 5, "queue": "other"}, "#/queue"),
        ({"intervalMinutes": 5, "task": "os.system"}, "#/task"),
        ({"intervalMinutes": 5, "taskFunctionId": 999_999}, "#/taskFunctionId"),
        ({"intervalMinutes": 5, "kwargs": {"x": 1, "z/~": 2}}, "#/kwargs/z~1~0"),
        ({"intervalMinutes": 5, "kwargs": {}}, "#/kwargs"),
        ({"intervalMinutes": 5, "kwargs": {"x": "one"}}, "#/kwargs/x"),
        ({"intervalMinutes": 5, "args": [1, "two"], "kwargs": {}}, "#/args/1"),
        ({"intervalMinutes": 5, "nameEn": "n" * 256}, "#/nameEn"),
        ({"runAt": "2020-01-01T00:00:00Z"}, "#/runAt"),
        ({"runAt": "2099-01-01T00:00:00"}, "#/runAt"),
    ],
)
def test_bad_input_is_refused_at_its_field_and_nothing_is_stored(
    api: Api, add: TaskFunction, body: dict[str, Any], pointer: str
) -> None:
    before = Job.objects.count(), PeriodicTask.objects.count()

    answer = api("POST", "/jobs", {"taskFunctionId": add.pk, "kwargs": {"x": 1}, **body})

    assert answer.status_code == 422, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (Job.objects.count(), PeriodicTask.objects.count()) == before
    assert not AuditEntry.objects.exists()


def test_what_is_missing_is_said(api: Api, add: TaskFunction) -> None:
    no_timetable = api("POST", "/jobs", {"taskFunctionId": add.pk, "kwargs": {"x": 1}}).json()
    no_function = api("POST", "/jobs", {"intervalMinutes": 1}).json()

    assert no_timetable["detail"].startswith("A timetable is missing: give exactly one of an int")
    assert no_function["detail"] == "taskFunctionId is missing: give it, or taskFunctionKey."


def test_the_first_numbers_are_functions_that_need_no_arguments(api: Api) -> None:
    install_declared(now=database_now())
    first, second = TaskFunction.objects.order_by("pk").values_list("pk", flat=True)[:2]

    published = {"nameEn": "HRIS Sync", "intervalMinutes": 30, "priority": 5, "maxInstances": 1}
    answers = [
        api("POST", "/jobs", {"taskFunctionId": first, **published, "isEnabled": True}),
        api("POST", "/jobs", {"taskFunctionId": second, "cronExpression": "0 2 * * *"}),
    ]

    assert [answer.status_code for answer in answers] == [201, 201]


def test_what_put_leaves_out_stays_and_null_clears(api: Api, job: dict[str, Any]) -> None:
    api("PUT", f"/jobs/{job['id']}", {"nameAr": "مجموع", "priority": 10})

    reply = api("PUT", f"/jobs/{job['id']}", {"nameAr": None, "intervalMinutes": 60}).json()

    assert (reply["nameEn"], reply["nameAr"], reply["priority"]) == ("Sum", None, 10)
    assert (reply["intervalMinutes"], reply["intervalHours"]) == (60, None)
    assert AuditEntry.objects.count() == 2


def test_a_change_of_everything_is_one_entry(api: Api, job: dict[str, Any]) -> None:
    body = {"cronExpression": "0 5 * * *", "isEnabled": False, "priority": 3, "kwargs": {"x": 9}}

    reply = api("PATCH", f"/jobs/{job['key']}", body).json()

    entry = AuditEntry.objects.get()
    assert (reply["jobTypeName"], reply["intervalMinutes"]) == ("cron", None)
    assert (reply["isEnabled"], reply["nextRunAt"]) == (False, None)
    assert entry.before is not None
    assert entry.before.keys() >= {"timetable", "enabled", "priority", "kwargs"}


def test_an_edit_between_two_expressions_only_we_can_say_takes_effect(
    api: Api, job: dict[str, Any]
) -> None:
    first = api("PUT", f"/jobs/{job['id']}", {"cronExpression": "0 2 L * *"}).json()
    second = api("PUT", f"/jobs/{job['id']}", {"cronExpression": "0 2 L 7 *"}).json()

    assert first["nextRunAt"] != second["nextRunAt"] or "-07-31" in first["nextRunAt"]
    assert second["nextRunAt"][5:10] == "07-31"


def test_the_same_again_writes_nothing(api: Api, job: dict[str, Any]) -> None:
    reply = api("PUT", f"/jobs/{job['id']}", {"intervalMinutes": 30, "nameEn": "Sum"}).json()

    assert reply["version"] == job["version"]
    assert reply["nextRunAt"] == job["nextRunAt"]
    assert not AuditEntry.objects.exists()


def test_a_timetable_cannot_be_cleared_away(api: Api, job: dict[str, Any]) -> None:
    answer = api("PUT", f"/jobs/{job['id']}", {"intervalMinutes": None})

    assert answer.status_code == 422


def test_a_stale_etag_is_refused(api: Api, job: dict[str, Any]) -> None:
    address = f"/jobs/{job['id']}"
    tag = api("GET", address).headers["ETag"]

    first = api("PUT", address, {"priority": 1}, headers={"If-Match": tag})
    second = api("PUT", address, {"priority": 2}, headers={"If-Match": tag})

    assert (first.status_code, second.status_code) == (200, 412)
    assert api("GET", address).json()["priority"] == 1


def test_deleting_keeps_the_history_and_hides_the_job(
    api: Api, job: dict[str, Any], make_run: Callable[..., Run]
) -> None:
    stored = Job.objects.get(pk=job["id"])
    waiting = make_run(job=stored, job_key=stored.key)

    reply = api("DELETE", f"/jobs/{job['id']}")

    waiting.refresh_from_db()
    assert reply.status_code == 200
    assert reply.json()["isActive"] is False
    assert api("GET", f"/jobs/{job['id']}").status_code == 404
    assert job["id"] not in [
        item["id"] for item in api("GET", "/jobs?per_page=100").json()["items"]
    ]
    assert waiting.state == RunState.CANCELLED
    assert PeriodicTask.objects.get(name=job["key"]).enabled is False
    assert [entry.action for entry in AuditEntry.objects.all()] == ["delete"]


def test_a_critical_job_is_not_deleted(api: Api, job: dict[str, Any]) -> None:
    api("PUT", f"/jobs/{job['id']}", {"isPrimary": True})

    answer = api("DELETE", f"/jobs/{job['id']}")

    assert answer.status_code == 409
    assert "isPrimary" in answer.json()["detail"]


def test_the_list_has_its_envelope_and_filters(api: Api, job: dict[str, Any]) -> None:
    api("PUT", f"/jobs/{job['id']}", {"isEnabled": False})

    page = api("GET", "/jobs?page=1&per_page=1").json()
    disabled = api("GET", "/jobs?is_enabled=false&job_type_id=1").json()

    assert page.keys() == {"items", "total", "page", "perPage", "totalPages"}
    assert (page["perPage"], page["totalPages"]) == (1, page["total"])
    assert job["id"] in [item["id"] for item in disabled["items"]]
    assert api("GET", "/jobs?per_page=101").json()["errors"][0]["parameter"] == "per_page"


def test_names_are_in_the_language_of_the_caller(api: Api, declared_jobs: None) -> None:
    arabic = api("GET", "/jobs/daily", headers={"Accept-Language": "ar-EG, en;q=0.5"})
    other = api("GET", "/jobs/daily", headers={"Accept-Language": "de"})

    assert (arabic.json()["name"], arabic.headers["Content-Language"]) == ("يومي", "ar")
    assert (other.json()["name"], other.headers["Content-Language"]) == ("Daily", "en")


def test_next_occurrences_are_listed(api: Api, declared_jobs: None) -> None:
    reply = api("GET", "/jobs/daily/next?count=2").json()

    assert len(reply["occurrences"]) == 2
    assert reply["occurrences"][0].endswith("T17:30:00Z")


def test_lists_take_at_most_six_statements(
    api: Api, declared_jobs: None, job: dict[str, Any], django_assert_max_num_queries: Any
) -> None:
    Run.objects.bulk_create(
        Run(
            job_id=job["id"],
            origin=Origin.TIMETABLE,
            task="sample_jobs.add",
            state=RunState.SUCCEEDED,
            scheduled_at=database_now() - timedelta(minutes=number),
            due_at=database_now(),
            finished_at=database_now(),
        )
        for number in range(30)
    )
    for path in ("/jobs", "/history", f"/jobs/{job['id']}/history?status_id=4"):
        api("GET", path)
        with django_assert_max_num_queries(6):
            assert api("GET", path).status_code == 200


def test_what_a_job_runs_after_is_made_and_changed_with_it_in_one_entry(
    api: Api, declared_jobs: None
) -> None:
    AuditEntry.objects.all().delete()
    body = {
        "taskFunctionKey": "add",
        "key": "later",
        "kwargs": {"x": 1},
        "after": [{"job": "daily"}],
    }
    made = api("POST", "/jobs", body)
    changed = api(
        "PATCH", "/jobs/later", {"priority": 2, "after": [{"job": "daily", "when": "ended"}]}
    )
    cleared = api("PATCH", "/jobs/later", {"after": None, "cronExpression": "0 5 * * *"})
    unknown = api("PATCH", "/jobs/later", {"after": [{"job": "nobody"}]})

    assert [made.status_code, changed.status_code, cleared.status_code] == [201, 200, 200]
    entries = list(AuditEntry.objects.order_by("id"))
    assert [entry.action for entry in entries] == ["create", "edit", "edit"]
    written: list[Any] = [entry.after for entry in entries]
    assert written[0]["after"] == [{"after": "daily", "when": "succeeded"}]
    assert written[1] == {"priority": 2, "after": [{"after": "daily", "when": "ended"}]}
    assert written[2]["after"] == []
    assert unknown.status_code == 422
    assert unknown.json()["errors"][0]["pointer"] == "#/after/0/job"


def test_a_circle_is_refused_in_words_that_name_the_jobs_by_their_keys(
    api: Api, add: TaskFunction
) -> None:
    body = {"taskFunctionKey": "add", "kwargs": {"x": 1}}
    api("POST", "/jobs", {**body, "key": "by_night", "intervalHours": 1})
    api("POST", "/jobs", {**body, "key": "by_day", "after": [{"job": "by_night"}]})

    answer = api("PATCH", "/jobs/by_night", {"after": [{"job": "by_day"}]})

    assert answer.status_code == 422
    assert "wait for 'by_night' itself ('by_day' after 'by_night')" in answer.json()["detail"]


def test_deleting_a_job_that_others_wait_for_is_one_entry(api: Api, add: TaskFunction) -> None:
    body = {"taskFunctionKey": "add", "kwargs": {"x": 1}}
    api("POST", "/jobs", {**body, "key": "first", "intervalHours": 1})
    api("POST", "/jobs", {**body, "key": "later", "after": [{"job": "first"}]})
    AuditEntry.objects.all().delete()

    assert api("DELETE", "/jobs/first").status_code == 200

    entry: Any = AuditEntry.objects.get()
    assert (entry.action, entry.subject) == ("delete", "job:first")
    assert entry.after["waited_for_it"] == ["later"]
    assert api("GET", "/jobs/later/dependencies").json()["items"] == []


POLICY = {
    "jitterSeconds": 5,
    "timeLimitSeconds": 90,
    "softTimeLimitSeconds": 60,
    "maxRetries": 2,
    "retryDelaySeconds": 10,
    "onLost": "retry",
    "exclusive": True,
    "retentionSeconds": 86_400,
}


def test_the_whole_policy_can_be_set_and_cleared(api: Api, add: TaskFunction) -> None:
    body = {"taskFunctionId": add.pk, "intervalMinutes": 30, "kwargs": {"x": 1}, **POLICY}
    made = api("POST", "/jobs", body).json()
    assert {name: made[name] for name in POLICY} == POLICY

    cleared = api("PUT", f"/jobs/{made['id']}", dict.fromkeys(POLICY)).json()

    usual = (0, None, None, 0, 60, "fail", False, None)
    assert tuple(cleared[name] for name in POLICY) == usual


def test_a_policy_without_meaning_is_refused_at_its_field(api: Api, job: dict[str, Any]) -> None:
    changes = {"timeLimitSeconds": 60, "softTimeLimitSeconds": 90}
    answer = api("PUT", f"/jobs/{job['id']}", changes)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/softTimeLimitSeconds"
    assert Job.objects.get(pk=job["id"]).time_limit is None


def test_a_change_says_why(api: Api, job: dict[str, Any]) -> None:
    api("PUT", f"/jobs/{job['id']}", {"priority": 2, "reason": "it was late"})

    assert AuditEntry.objects.get().reason == "it was late"


def test_another_function_brings_what_it_gives_and_leaves_what_was_set(
    api: Api, declared_jobs: None
) -> None:
    body = {"taskFunctionKey": "tell_time", "intervalMinutes": 30, "exclusive": True}
    made = api("POST", "/jobs", body).json()
    assert made["onLost"] == "retry"  # it is idempotent

    changes = {"taskFunctionKey": "add", "kwargs": {"x": 1}}
    changed = api("PUT", f"/jobs/{made['id']}", changes).json()

    assert (changed["onLost"], changed["exclusive"]) == ("fail", True)
