"""Timetables as the API takes them besides intervals and cron: the sun, and bounds of any."""

from datetime import timedelta
from typing import Any

import pytest
from django_celery_beat.models import CrontabSchedule

from schedules.models import Job, MadeSchedule, TaskFunction
from schedules.operations.wording import iso
from schedules.querysets.clock import database_now
from schedules.retention import clean_log
from schedules.timing import Every, Solar, Window, from_spec
from tests.schedules.api.conftest import Api

pytestmark = pytest.mark.django_db

SUN = {"solarEvent": "sunrise", "latitude": 0, "longitude": 106.8}
FUNCTION: dict[str, Any] = {"taskFunctionKey": "add", "kwargs": {"x": 1}}


def test_a_job_may_follow_the_sun(api: Api, add: TaskFunction) -> None:
    answer = api("POST", "/jobs", {**FUNCTION, **SUN})

    reply = answer.json()
    assert answer.status_code == 201, reply
    assert (reply["jobTypeId"], reply["jobTypeName"]) == (4, "solar")
    assert {name: reply[name] for name in SUN} == SUN
    timetable = from_spec(Job.objects.get(pk=reply["id"]).timetable or {})
    assert timetable == Solar("sunrise", 0, 106.8)

    moved = api("PATCH", f"/jobs/{reply['id']}", {"latitude": -6.2}).json()
    assert (moved["solarEvent"], moved["latitude"], moved["longitude"]) == ("sunrise", -6.2, 106.8)
    cron = api("PATCH", f"/jobs/{reply['id']}", {"cronExpression": "0 2 * * *"}).json()
    assert (cron["cronExpression"], cron["solarEvent"], cron["latitude"]) == (
        "0 2 * * *",
        None,
        None,
    )


def test_a_job_runs_between_its_bounds(api: Api, add: TaskFunction) -> None:
    start = database_now().replace(microsecond=0) + timedelta(days=1)
    end = start + timedelta(days=1)
    body = {**FUNCTION, "intervalHours": 1, "startsAt": iso(start), "endsAt": iso(end)}

    reply = api("POST", "/jobs", body).json()

    assert (reply["startsAt"], reply["endsAt"]) == (iso(start), iso(end))
    assert reply["nextRunAt"] == iso(start)
    timetable = from_spec(Job.objects.get(pk=reply["id"]).timetable or {})
    assert timetable == Window(Every(timedelta(hours=1), anchor=start), start, end)

    later = iso(end + timedelta(days=1))
    changed = api("PATCH", f"/jobs/{reply['id']}", {"endsAt": later}).json()
    assert (changed["endsAt"], changed["nextRunAt"]) == (later, iso(start))
    open_ = api("PATCH", f"/jobs/{reply['id']}", {"startsAt": None, "endsAt": None}).json()
    assert (open_["startsAt"], open_["endsAt"], open_["intervalHours"]) == (None, None, 1)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"solarEvent": "sunrise", "latitude": 1}, "longitude"),
        ({**SUN, "cronExpression": "0 2 * * *"}, "cronExpression"),
        ({"intervalHours": 1, "latitude": 1}, "latitude"),
        (
            {
                "intervalHours": 1,
                "startsAt": "2099-01-02T00:00:00Z",
                "endsAt": "2099-01-01T00:00:00Z",
            },
            "endsAt",
        ),
        ({"intervalHours": 1, "endsAt": "2001-01-01T00:00:00Z"}, "endsAt"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(
    api: Api, add: TaskFunction, body: dict[str, Any], pointer: str
) -> None:
    before = Job.objects.count()

    answer = api("POST", "/jobs", {**FUNCTION, **body})

    assert answer.status_code == 422
    assert pointer in str(answer.json()["errors"])
    assert Job.objects.count() == before


def test_an_end_before_the_next_occurrence_is_refused_and_changes_nothing(
    api: Api, add: TaskFunction
) -> None:
    made = api("POST", "/jobs", {**FUNCTION, "intervalHours": 1}).json()

    answer = api("PATCH", f"/jobs/{made['id']}", {"endsAt": iso(database_now())})

    assert answer.status_code == 422
    assert api("GET", f"/jobs/{made['id']}").json() == made


def test_a_job_may_be_made_only_to_run_after_another(api: Api, add: TaskFunction) -> None:
    first = api("POST", "/jobs", {**FUNCTION, "key": "first", "intervalHours": 1}).json()

    body = {**FUNCTION, "key": "second", "after": [{"job": "first", "when": "failed"}]}
    second = api("POST", "/jobs", body)

    assert second.status_code == 201, second.json()
    assert second.json()["nextRunAt"] is None
    job = Job.objects.get(key="second")
    assert (job.flagged_reason, job.is_enabled) == ("", True)
    (item,) = api("GET", "/jobs/second/dependencies").json()["items"]
    assert (item["upstreamId"], item["when"]) == (first["id"], "failed")


def test_several_kinds_at_once_are_named_as_the_body_names_them(
    api: Api, add: TaskFunction
) -> None:
    body = {"taskFunctionKey": "add", "cronExpression": "0 2 * * *", "intervalSeconds": 60}

    answer = api("POST", "/jobs", {**body, "args": [1]})

    assert answer.status_code == 422
    assert "'cronExpression, intervalSeconds': exactly one of" in answer.json()["detail"]


def test_a_schedule_of_ours_goes_at_night_after_its_last_use_and_a_person_s_stays(
    api: Api, add: TaskFunction
) -> None:
    hour = {"minute": "0", "day_of_month": "*", "month_of_year": "*", "day_of_week": "*"}
    persons = CrontabSchedule.objects.create(**hour, hour="6", timezone="UTC")
    before = set(CrontabSchedule.objects.values_list("pk", flat=True))
    api("POST", "/jobs", {**FUNCTION, "key": "other", "cronExpression": "0 4 * * *"})
    address = f"/jobs/{api('POST', '/jobs', {**FUNCTION, 'intervalMinutes': 30}).json()['id']}"
    shared = CrontabSchedule.objects.get(hour="4", minute="0").pk

    for expression in ("0 4 * * *", "0 5 * * *", "0 6 * * *", "0 2 L * *", "0 7 * * *"):
        assert api("PATCH", address, {"cronExpression": expression}).status_code == 200

    last = CrontabSchedule.objects.get(hour="7", minute="0").pk
    assert CrontabSchedule.objects.filter(hour="5", minute="0").exists(), "an edit removes nothing"
    now = database_now()
    list(clean_log(before=now - timedelta(days=90), now=now))
    left = set(CrontabSchedule.objects.values_list("pk", flat=True)) - before
    assert left == {shared, last}
    assert CrontabSchedule.objects.filter(pk=persons.pk).exists()
    assert set(MadeSchedule.objects.values_list("number", flat=True)) >= left
    CrontabSchedule.objects.filter(pk=last).delete()
    list(clean_log(before=now - timedelta(days=90), now=now))
    assert not MadeSchedule.objects.filter(kind="crontab_id", number=last).exists()
    assert api("GET", "/jobs/other").json()["invalidReason"] == ""


def test_the_mark_of_a_row_that_somebody_deleted_stops_no_edit(api: Api, add: TaskFunction) -> None:
    row = CrontabSchedule.objects.create(minute="1", hour="1", timezone="UTC")
    numbers = range(row.pk + 1, row.pk + 4)
    MadeSchedule.objects.bulk_create(MadeSchedule(kind="crontab_id", number=n) for n in numbers)

    assert api("POST", "/jobs", {**FUNCTION, "cronExpression": "2 2 * * *"}).status_code == 201
