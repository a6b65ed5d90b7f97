"""Previews and calendars over the API, and what the planned runs then are."""

import time
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schedules.dispatch import plan_due
from schedules.models import Calendar, Job, Run, ScheduleVersion, TaskFunction
from schedules.querysets.clock import database_now
from schedules.timing import Cron, to_spec
from tests.schedules.api.conftest import Api

pytestmark = pytest.mark.django_db

BERLIN = {"cronExpression": "30 2 * * *", "timezone": "Europe/Berlin"}


@pytest.fixture
def job(api: Api, add: TaskFunction) -> Job:
    body = {"taskFunctionKey": "add", "key": "report", "args": [1], **BERLIN}
    assert api("POST", "/jobs", body).status_code == 201
    return Job.objects.get(key="report")


def preview(api: Api, **body: Any) -> Any:
    answer = api("POST", "/jobs/preview", body)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_new_job_is_previewed_on_its_clock_with_marks_in_words(api: Api) -> None:
    found = preview(api, **BERLIN, count=400)

    marks = [one["mark"] for one in found["occurrences"] if one["mark"]]
    assert len(marks) == 2
    assert any("02:30 does not exist on " in mark and "; runs at 03:00" in mark for mark in marks)
    assert any("02:30 is shown twice on " in mark for mark in marks)
    assert found["occurrences"][0]["at"] == found["firstRunAt"]
    assert found["occurrences"][0]["local"][11:16] in ("02:30", "03:00")
    assert (found["timezone"], len(found["clockChanges"])) == ("Europe/Berlin", 2)
    assert (found["difference"], found["overlaps"]) == (None, None)
    assert found["busiestMinute"]["before"]["number"] == 0
    assert found["busiestMinute"]["after"]["number"] == 1


def test_an_edit_is_compared_and_nothing_is_saved(api: Api, job: Job) -> None:
    before = Job.objects.filter(pk=job.pk).values().get()
    now = f"{database_now().astimezone(ZoneInfo(BERLIN['timezone'])):%H:%M}"
    # Today's time is over both by the old timetable and by the new one, or by neither.
    hour = 1 if "02:30" <= now < "04:30" else 4

    found = preview(api, job="report", cronExpression=f"30 {hour} * * *")

    assert found["difference"]["removed"] == found["difference"]["added"] == []
    assert len(found["difference"]["moved"]) >= 30
    assert {pair["before"][14:] for pair in found["difference"]["moved"]} <= {"30:00Z", "00:00Z"}
    assert Job.objects.filter(pk=job.pk).values().get() == before
    assert ScheduleVersion.objects.filter(job=job).count() == 1


def test_the_saved_edit_has_the_timetable_and_the_first_run_of_its_preview(
    api: Api, job: Job
) -> None:
    Calendar.objects.create(name="Holidays", weekdays=["sat", "sun"])
    later = (database_now() + timedelta(days=3)).replace(microsecond=0).isoformat()
    for changes in (
        {"intervalMinutes": 90},
        {"calendar": "Holidays", "dayOff": "next_day"},
        {"startsAt": later},
        {"cronExpression": "@hourly", "timezone": "Asia/Jakarta", "calendar": None},
        {"isEnabled": False},
        {"isEnabled": True, "endsAt": None, "startsAt": None},
    ):
        said = preview(api, job="report", **changes)
        saved = api("PATCH", "/jobs/report", changes).json()

        assert said["isEnabled"] == saved["isEnabled"], changes
        if "intervalMinutes" not in changes:  # anchored at the second of saving
            assert said["firstRunAt"] == saved["nextRunAt"], changes


def test_overlaps_are_foreseen_from_how_long_it_takes(api: Api, job: Job) -> None:
    now = database_now()
    Run.objects.create(
        job=job,
        origin="operator",
        task=job.task,
        scheduled_at=now - timedelta(hours=2),
        due_at=now - timedelta(hours=2),
        started_at=now - timedelta(hours=2),
        finished_at=now - timedelta(minutes=30),
        state="succeeded",
    )

    hourly = preview(api, job="report", cronExpression="0 * * * *")["overlaps"]
    two_at_once = preview(api, job="report", cronExpression="0 * * * *", maxInstances=2)["overlaps"]

    assert (hourly["p95Ms"], hourly["number"] > 700) == (5_400_000, True)
    assert (two_at_once["number"], two_at_once["first"]) == (0, None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"cronExpression": "61 * * * *"}, "write 0 to 59"),
        ({"cronExpression": "0 0 31 2 *"}, "cronExpression"),
        ({"calendar": "Nowhere", **BERLIN}, "calendar"),
        ({"intervalMinutes": 5, "cronExpression": "* * * * *"}, "cronExpression"),
        ({"count": 10_001, **BERLIN}, "count"),
        ({"dayOff": "tomorrow", **BERLIN}, "dayOff"),
        ({}, "cronExpression"),
    ],
)
def test_what_could_not_be_saved_cannot_be_previewed(
    api: Api, body: dict[str, Any], field: str
) -> None:
    answer = api("POST", "/jobs/preview", body)

    assert answer.status_code == 422
    assert field in str(answer.json())


def test_ten_thousand_occurrences_are_previewed_in_time(api: Api, job: Job) -> None:
    body = {"job": "report", "cronExpression": "*/5 * * * *", "count": 10_000}
    preview(api, **{**body, "count": 1})
    begin = time.process_time()

    found = preview(api, **body)

    assert len(found["occurrences"]) == 10_000
    # Measured at 0.2 s of a free processor; the bound is for those that are shared.
    assert time.process_time() - begin < 1.5


def test_a_calendar_is_made_filled_used_and_kept_from_deletion(api: Api, job: Job) -> None:
    today = database_now().date()
    dates = [(today + timedelta(days=n)).isoformat() for n in range(3)]
    ics = f"BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:{(today + timedelta(days=4)):%Y%m%d}\r\nEND:VEVENT"
    file = f"BEGIN:VCALENDAR\r\n{ics}\r\nEND:VCALENDAR\r\n"

    made = api("POST", "/calendars", {"name": "Rest days", "dates": dates})
    filled = api("POST", "/calendars/Rest days/import", {"ics": file})
    used = api("PATCH", "/jobs/report", {"calendar": "Rest days"})

    assert (made.status_code, filled.status_code, used.status_code) == (201, 200, 200)
    assert len(filled.json()["dates"]) == 4
    assert (used.json()["calendar"], used.json()["dayOff"]) == ("Rest days", "skip")
    assert api("GET", "/calendars").json()["items"][0]["jobs"] == ["report"]
    refused = api("DELETE", "/calendars/Rest days")
    assert refused.status_code == 409
    assert "used by report" in refused.json()["detail"]
    Run.objects.all().delete()
    plan_due(now=database_now() + timedelta(days=7))
    taken = Run.objects.filter(job=job).values_list("scheduled_at", "until", "count")
    assert sum(count for _, _, count in taken) == 7 - 4 + _today_is_over(job)
    assert api("PATCH", "/jobs/report", {"calendar": None}).json()["calendar"] is None
    assert api("DELETE", "/calendars/Rest days").status_code == 200


def _today_is_over(job: Job) -> int:
    """One more of the four days is free when today's occurrence lies behind us."""
    first = Cron(BERLIN["cronExpression"], tz=BERLIN["timezone"]).next_after(database_now())
    assert first is not None
    return int(first.date() > database_now().date())


def test_a_bad_calendar_is_one_sentence_and_changes_nothing(api: Api, job: Job) -> None:
    api("POST", "/calendars", {"name": "Rest days", "weekdays": ["sun"]})
    api("PATCH", "/jobs/report", {"calendar": "Rest days"})
    spec = Job.objects.get(key="report").timetable

    for method, path, body in (
        ("POST", "/calendars", {"name": "Rest days"}),
        ("POST", "/calendars", {"name": "../x"}),
        ("POST", "/calendars", {"name": "x", "dates": ["25.12."]}),
        ("POST", "/calendars", {"name": "x", "weekdays": ["friday"]}),
        ("PATCH", "/calendars/Rest days", {"isAllowList": True, "weekdays": []}),
        ("PATCH", "/calendars/Rest days", {"timezone": "Mars/Base"}),
        ("POST", "/calendars/Rest days/import", {"ics": "no calendar"}),
    ):
        answer = api(method, path, body)
        assert answer.status_code == 422, (method, path, answer.content)
        assert answer.json()["detail"].count("\n") == 0
    assert api("GET", "/calendars/Nowhere").status_code == 404
    assert Job.objects.get(key="report").timetable == spec != to_spec(Cron("30 2 * * *"))
    assert Calendar.objects.count() == 1


def test_a_job_that_is_not_there_is_refused_at_its_field(api: Api) -> None:
    answer = api("POST", "/jobs/preview", {"job": "nowhere"})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/job"
