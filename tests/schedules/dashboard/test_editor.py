"""Making and changing a job in the browser: the server decides, and says what is wrong where."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from schedules.models import AuditEntry, Calendar, Job, TaskFunction
from schedules.operations.create import create_job

pytestmark = pytest.mark.django_db

POLICY = {
    "overlap": "skip",
    "on_lost": "fail",
    "max_instances": "1",
    "max_retries": "0",
    "priority": "0",
    "misfire_grace": "60",
    "retry_delay": "60",
    "jitter": "0",
    "coalesce": "on",
    "enabled": "on",
}


@pytest.fixture(autouse=True)
def function() -> TaskFunction:
    return TaskFunction.objects.create(
        key="add",
        task="sample_jobs.add",
        name_en="Add",
        arguments={
            "properties": {"x": {"type": "integer"}, "y": {"type": "integer", "default": 2}},
            "required": ["x"],
        },
    )


@pytest.fixture
def job(function: TaskFunction, now: datetime) -> Job:
    values = {
        "cron_expression": "0 5 * * *",
        "timezone": "Asia/Jakarta",
        "kwargs": {"x": 1},
        "key": "nightly",
        "misfire_grace": timedelta(seconds=60),
    }
    job = create_job(function, values=values, by="test", source="code", now=now)
    AuditEntry.objects.all().delete()
    return job


def sent(**values: str) -> dict[str, str]:
    cron = {"kind": "cron", "cron_expression": "0 5 * * 1", "timezone": "UTC", "day_rule": "any"}
    return {**POLICY, **cron, "argument_mode": "form", "arg__x": "4", **values}


def as_shown(job: Job, **values: str) -> dict[str, str]:
    """What the browser sends of the untouched form, and the values that were changed."""
    timetable = {"cron_expression": "0 5 * * *", "timezone": "Asia/Jakarta", "arg__x": "1"}
    kwargs = '{"x": 1}'
    return sent(**{**timetable, "version": str(job.version), "kwargs": kwargs, **values})


def create(browser: Client, **values: str) -> Any:
    return browser.post("/scheduler/jobs/new?task=add", sent(**values))


def test_the_form_is_made_from_the_tasks_arguments(operator: Client) -> None:
    page = operator.get("/scheduler/jobs/new?task=add").content.decode()

    assert 'name="arg__x"' in page
    assert 'name="arg__y"' in page
    assert "Left empty: 2." in page


def test_a_job_is_made(operator: Client) -> None:
    response = create(operator, key="mondays", name_en="Mondays", reason="new rule")

    job = Job.objects.get(key="mondays")
    assert response.headers["Location"] == f"/scheduler/jobs/{job.pk}/"
    assert (job.kwargs, job.name_en, job.cron_text or "0 5 * * 1") == (
        {"x": 4},
        "Mondays",
        "0 5 * * 1",
    )
    assert job.misfire_grace == timedelta(seconds=60)
    assert job.next_run_at is not None
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.reason) == ("create", "siti", "new rule")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"cron_expression": "61 * * * *"}, "minute"),
        ({"cron_expression": ""}, "exactly one of an interval"),
        ({"timezone": "Mars/Base"}, "IANA name"),
        ({"kind": "interval"}, "exactly one of an interval"),
        ({"kind": "once", "run_at": "2001-01-01T00:00"}, "an instant in the future"),
        ({"kind": "once", "run_at": "soon"}, "Give a date and a time."),
        ({"arg__x": "four"}, "whole number"),
        ({"arg__x": ""}, "required"),
        ({"argument_mode": "json", "kwargs": "[1]"}, "Write an object"),
        ({"argument_mode": "json", "kwargs": '{"wrong": 1}'}, "sample_jobs.add takes"),
        ({"max_instances": "11"}, "10"),
        ({"key": "nightly"}, "a key that no job has had"),
    ],
)
def test_what_is_wrong_is_said_on_the_form_and_nothing_is_made(
    operator: Client, job: Job, values: dict[str, str], words: str
) -> None:
    response = create(operator, **values)

    assert response.status_code == 422
    assert words in response.content.decode()
    assert Job.objects.count() == 1
    assert not AuditEntry.objects.exists()


def test_an_interval_and_a_date_are_entered_as_well(operator: Client) -> None:
    create(operator, key="often", kind="interval", interval_minutes="90")
    create(operator, key="later", kind="once", run_at="2199-01-01T07:00", timezone="Asia/Jakarta")

    often, later = Job.objects.get(key="often"), Job.objects.get(key="later")
    assert often.interval_parts == {"minutes": 90}
    assert later.next_run_at is not None
    assert later.next_run_at.isoformat() == "2199-01-01T00:00:00+00:00"


def test_arguments_can_be_written_as_json(operator: Client) -> None:
    create(operator, key="json", argument_mode="json", kwargs='{"x": 3}', arg__x="")

    assert Job.objects.get(key="json").kwargs == {"x": 3}


def test_an_untouched_form_changes_nothing(operator: Client, job: Job) -> None:
    response = operator.post(f"/scheduler/jobs/{job.pk}/edit", as_shown(job))

    assert response.status_code == 302
    assert not AuditEntry.objects.exists()


def test_an_edit_changes_what_was_changed(operator: Client, job: Job) -> None:
    changed = as_shown(
        job, cron_expression="30 6 * * *", priority="7", misfire_grace="-1", name_en="Six thirty"
    )

    operator.post(f"/scheduler/jobs/{job.pk}/edit", changed)

    job.refresh_from_db()
    entry = AuditEntry.objects.get()
    assert (job.priority, job.misfire_grace, job.name_en) == (7, None, "Six thirty")
    assert job.timetable is not None
    assert (job.timetable["expression"], job.timetable["tz"]) == ("30 6 * * *", "Asia/Jakarta")
    assert {"timetable", "priority", "misfire_grace", "name_en"} <= set(entry.after or {})


def test_an_edit_of_what_somebody_else_changed_meanwhile_is_refused(
    operator: Client, job: Job
) -> None:
    form = as_shown(job, priority="7")
    operator.post(f"/scheduler/jobs/{job.pk}/edit", as_shown(job, priority="3"))

    response = operator.post(f"/scheduler/jobs/{job.pk}/edit", form)

    job.refresh_from_db()
    assert response.status_code == 422
    assert "was changed since you read it" in response.content.decode()
    assert job.priority == 3


def test_the_preview_shows_the_next_ten_and_saves_nothing(operator: Client) -> None:
    page = create(operator, cron_expression="30 2 * * *", timezone="Europe/Berlin", preview="yes")
    wrong = create(operator, cron_expression="never", preview="yes")

    text = page.content.decode()
    listed = text[text.index('<ol class="list">') : text.index("</ol>")]
    assert listed.count("Berlin</span></time>") == 10
    assert "every day at 02:30" in text
    assert "five fields" in wrong.content.decode()
    assert not Job.objects.exists()


def test_the_preview_of_an_edit_says_what_saving_changes(operator: Client, job: Job) -> None:
    Calendar.objects.create(name="Holidays", weekdays=["sat", "sun"])
    address = f"/scheduler/jobs/{job.pk}/edit"

    untouched = operator.get(address).content.decode()
    later = operator.post(address, as_shown(job, cron_expression="0 6 * * *", preview="yes"))
    weekdays = operator.post(address, as_shown(job, calendar="Holidays", preview="yes"))

    assert "No occurrence changes." in untouched
    assert "<b>Moved</b>" in later.content.decode()
    text = weekdays.content.decode()
    assert "<b>Removed</b>" in text
    assert "every day at 05:00, on the allowed days of Holidays" in text
    job.refresh_from_db()
    assert (job.calendar, job.version) == (None, 1)
    operator.post(address, as_shown(job, calendar="Holidays", day_off="next_day"))
    job.refresh_from_db()
    assert (job.calendar and job.calendar.name, job.day_off) == ("Holidays", "next_day")
