"""Single occurrences and calendars in the browser."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from schedules.models import AuditEntry, Calendar, Job, OccurrenceChange
from schedules.operations.create import create_job
from schedules.operations.switch import delete_job
from schedules.querysets.clock import database_now
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


def test_who_may_only_look_sees_no_button_and_is_refused(viewer: Client, hourly: Job) -> None:
    assert hourly.next_run_at is not None
    place = f"/scheduler/jobs/{hourly.pk}/occurrences/{hourly.next_run_at:%Y-%m-%dT%H:%M:%SZ}"

    text = viewer.get(f"/scheduler/jobs/{hourly.pk}/?tab=next").content.decode()

    assert "/occurrences/" not in text
    assert viewer.post(f"{place}/skip").status_code == 403
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
    assert "Rest days" in operator.get("/scheduler/calendars/").content.decode()
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
