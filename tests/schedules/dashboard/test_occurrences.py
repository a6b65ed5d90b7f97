"""Single occurrences and calendars in the browser."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from schedules.models import AuditEntry, Calendar, Job, OccurrenceChange, TaskFunction
from schedules.operations.create import create_job
from schedules.operations.switch import delete_job
from schedules.querysets.clock import database_now
from schedules.registry import argument_schema, find
from schedules.states import ChangeState

pytestmark = pytest.mark.django_db

FILE = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261226\nEND:VEVENT\nEND:VCALENDAR\n"


@pytest.fixture
def hourly() -> Job:
    values = {"cron_expression": "0 * * * *", "args": [1], "key": "hourly"}
    now = database_now()
    return create_job("sample_jobs.add", values=values, by="test", source="code", now=now)


def test_an_occurrence_is_skipped_moved_and_undone_from_the_list(
    operator: Client, hourly: Job
) -> None:
    assert hourly.next_run_at is not None
    at = hourly.next_run_at + timedelta(hours=2)
    place = f"/scheduler/jobs/{hourly.pk}/occurrences/{at:%Y-%m-%dT%H:%M:%SZ}"
    tab = f"/scheduler/jobs/{hourly.pk}/?tab=next"
    assert f"{place}/skip" in operator.get(tab).content.decode()

    question = operator.get(f"{place}/skip")
    skipped = operator.post(f"{place}/skip", {"reason": "stocktaking"})

    assert "ends as skipped, with the reason" in question.content.decode()
    assert skipped.headers["Location"] == tab
    text = operator.get(tab).content.decode()
    assert "skipped: <bdi>stocktaking</bdi>" in text
    assert f"{place}/restore" in text
    operator.post(f"{place}/restore")
    wanted = at + timedelta(minutes=20)
    operator.post(f"{place}/move", {"at": f"{wanted:%Y-%m-%dT%H:%M}"})
    change = OccurrenceChange.objects.get(state=ChangeState.OPEN)
    assert (change.scheduled_at, change.moved_to, change.by) == (at, wanted, "siti")
    assert "moved to" in operator.get(tab).content.decode()
    again = operator.post(f"{place}/move", {"at": "2001-01-01T00:00"})
    assert again.status_code == 422
    assert "an instant in the future" in again.content.decode()


@pytest.fixture
def adding() -> Job:
    declaration = find("sample_jobs.add")
    assert declaration is not None
    schema = argument_schema(declaration)
    function = TaskFunction.objects.create(key="add", task="sample_jobs.add", arguments=schema)
    values = {"cron_expression": "0 * * * *", "kwargs": {"x": 1, "y": 2}, "key": "adding"}
    now = database_now()
    return create_job(function, values=values, by="test", source="code", now=now)


def test_one_occurrence_is_given_other_arguments_and_another_time(
    operator: Client, adding: Job
) -> None:
    assert adding.next_run_at is not None
    at = adding.next_run_at + timedelta(hours=2)
    place = f"/scheduler/jobs/{adding.pk}/occurrences/{at:%Y-%m-%dT%H:%M:%SZ}/arguments"
    tab = f"/scheduler/jobs/{adding.pk}/?tab=next"
    assert place in operator.get(tab).content.decode()
    wanted = at + timedelta(minutes=5)
    sent = {"argument_mode": "form", "arg__x": "17", "arg__y": "2"}

    form = operator.get(place).content.decode()
    done = operator.post(place, {**sent, "at": f"{wanted:%Y-%m-%dT%H:%M}", "reason": "stock"})

    assert 'name="arg__x" value="1"' in form
    assert done.headers["Location"] == tab
    change = OccurrenceChange.objects.get(state=ChangeState.OPEN)
    assert (change.scheduled_at, change.kwargs, change.moved_to) == (at, {"x": 17}, wanted)
    assert AuditEntry.objects.latest("id").action == "change_occurrence"
    operator.post(place, {"argument_mode": "json", "kwargs": '{"y": 9}', "at": sent["arg__x"]})
    assert OccurrenceChange.objects.get(state=ChangeState.OPEN).kwargs == {"x": 17}
    again = {"argument_mode": "json", "kwargs": '{"y": 9}', "at": f"{wanted:%Y-%m-%dT%H:%M}"}
    operator.post(place, again)
    change = OccurrenceChange.objects.get(state=ChangeState.OPEN)
    assert (change.kwargs, change.moved_to) == ({"y": 9}, wanted)


def test_positional_arguments_given_before_are_shown_again(operator: Client, adding: Job) -> None:
    at = adding.next_run_at
    place = f"/scheduler/jobs/{adding.pk}/occurrences/{at:%Y-%m-%dT%H:%M:%SZ}/arguments"
    Job.objects.filter(pk=adding.pk).update(kwargs={"y": 2})
    operator.post(place, {"argument_mode": "json", "args": "[7]"})

    form = operator.get(place).content.decode()

    assert re.search(r'value="json"[^>]*checked', form)
    assert "[7]</textarea>" in form


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"arg__x": "1", "arg__y": "2"}, "at least one argument of its own"),
        ({"arg__x": "many"}, "Enter a whole number"),
        ({"argument_mode": "json", "kwargs": '{"z": 1}'}, "z"),
        ({"argument_mode": "json", "kwargs": "[1]"}, "Write an object"),
        ({"argument_mode": "json", "args": "1"}, "Write a list"),
        ({"arg__x": "3", "at": "2001-01-01T00:00"}, "an instant in the future"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_at_their_field(
    operator: Client, adding: Job, sent: dict[str, str], words: str
) -> None:
    at = adding.next_run_at
    place = f"/scheduler/jobs/{adding.pk}/occurrences/{at:%Y-%m-%dT%H:%M:%SZ}/arguments"

    answer = operator.post(place, {"argument_mode": "form", **sent})

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not OccurrenceChange.objects.exists()


@pytest.mark.parametrize("verb", ["skip", "arguments"])
def test_an_instant_at_an_end_of_the_calendar_is_no_occurrence(
    operator: Client, adding: Job, verb: str
) -> None:
    for at in ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        place = f"/scheduler/jobs/{adding.pk}/occurrences/{at}/{verb}"

        assert operator.get(place).status_code == 404


def test_who_may_only_look_sees_no_button_and_is_refused(viewer: Client, hourly: Job) -> None:
    assert hourly.next_run_at is not None
    place = f"/scheduler/jobs/{hourly.pk}/occurrences/{hourly.next_run_at:%Y-%m-%dT%H:%M:%SZ}"

    text = viewer.get(f"/scheduler/jobs/{hourly.pk}/?tab=next").content.decode()

    assert "/occurrences/" not in text
    assert viewer.post(f"{place}/skip").status_code == 403
    assert viewer.get(f"{place}/arguments").status_code == 403
    assert viewer.post("/scheduler/calendars/new", {"name": "x"}).status_code == 403
    assert not OccurrenceChange.objects.exists()


def test_a_calendar_is_made_filled_and_deleted(operator: Client) -> None:
    file = SimpleUploadedFile("days.ics", FILE.encode())
    sent = {"name": "Rest days", "weekdays": ["sat", "sun"], "timezone": "UTC", "kind": ""}

    operator.post("/scheduler/calendars/new", {**sent, "dates": "2026-12-25", "file": file})

    calendar = Calendar.objects.get()
    assert calendar.dates == ["2026-12-25", "2026-12-26"]
    address = "/scheduler/calendars/by-name/Rest days"
    assert "2026-12-26" in operator.get(address).content.decode()
    operator.post(address, {**sent, "dates": "2026-12-31", "reason": "new year"})
    calendar.refresh_from_db()
    assert calendar.dates == ["2026-12-31"]
    listed = operator.get("/scheduler/calendars/").content.decode()
    assert "Rest days" in listed
    assert "<td>Saturday, Sunday</td>" in listed
    operator.post(address, {**sent, "delete": "yes"})
    assert not Calendar.objects.exists()
    actions = AuditEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(actions) == ["create_calendar", "edit_calendar", "delete_calendar"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"dates": "25.12.2026"}, "dates such as 2026-12-25"),
        ({"timezone": "Mars/Base"}, "IANA name"),
        ({"kind": "only"}, "at least one day"),
        ({"name": "a/b"}, "letters, digits"),
        ({"weekdays": ["someday"]}, "someday"),
        ({"file": SimpleUploadedFile("x.ics", b"\xff\x00 no calendar")}, "an iCalendar file"),
    ],
)
def test_a_bad_calendar_is_one_sentence_and_nothing_is_made(
    operator: Client, values: dict[str, object], words: str
) -> None:
    sent = {"name": "Rest days", "timezone": "UTC", "dates": "", **values}

    answer = operator.post("/scheduler/calendars/new", sent)

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Calendar.objects.exists()


def test_asking_about_an_occurrence_of_a_deleted_job_is_answered_as_doing_it_is(
    operator: Client, hourly: Job
) -> None:
    assert hourly.next_run_at is not None
    place = f"/scheduler/jobs/{hourly.pk}/occurrences/{hourly.next_run_at:%Y-%m-%dT%H:%M:%SZ}/skip"
    delete_job(hourly, by="test", source="code", now=database_now())

    answers = [operator.get(place), operator.post(place)]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert all("is deleted; only its history" in a.content.decode() for a in answers)


@pytest.mark.parametrize(
    ("wall", "stored", "words"),
    [
        (
            "2030-03-31T02:30",
            "2030-03-31T01:00Z",
            "does not exist on 31 March; runs at 03:00",
        ),
        ("2030-10-27T02:30", "2030-10-27T00:30Z", "02:30 is shown twice on 27 October"),
    ],
)
def test_a_move_to_a_time_the_clock_has_not_or_twice_says_what_it_means(
    operator: Client, wall: str, stored: str, words: str
) -> None:
    values: dict[str, Any] = {
        "cron_expression": "0 * * * *",
        "timezone": "Europe/Berlin",
        "args": [1],
    }
    values["key"] = "there"
    job = create_job("sample_jobs.add", values=values, by="test", source="code", now=database_now())
    assert job.next_run_at is not None
    at = job.next_run_at + timedelta(hours=2)
    place = f"/scheduler/jobs/{job.pk}/occurrences/{at:%Y-%m-%dT%H:%M:%SZ}"

    text = operator.post(f"{place}/move", {"at": wall}, follow=True).content.decode()

    assert OccurrenceChange.objects.get().moved_to == datetime.fromisoformat(stored)
    assert words in text
