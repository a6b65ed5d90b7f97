"""Meetings over the REST API: their runs follow."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from schedules.models import Run
from tasks.meetings.models import Meeting
from tasks.meetings.status import Status
from tests.schedules.management.conftest import Answer, scheduler  # noqa: F401 - a fixture
from tests.tasks.meetings.meetings import HOUR, NOON, make_meeting, make_meetings, scheduled

pytestmark = pytest.mark.django_db

Ask = Callable[..., Any]
NEW = {
    "title": "Sprint review",
    "startTime": "2040-06-01T11:00:00Z",
    "endTime": "2040-06-01T19:00:00+07:00",
}


def test_a_new_meeting_has_a_run_at_its_end(ask: Ask) -> None:
    answer = ask("POST", "/meetings", NEW)

    meeting = Meeting.objects.get()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/v1/meetings/{meeting.pk}"
    assert answer.json() == {
        "id": meeting.pk,
        "title": "Sprint review",
        "startTime": "2040-06-01T11:00:00Z",
        "endTime": "2040-06-01T12:00:00Z",
        "status": "upcoming",
        "owner": "admin",
    }
    assert scheduled() == {meeting.pk: NOON}


def test_a_meeting_that_is_moved_takes_its_run_along(ask: Ask) -> None:
    meeting = make_meeting()

    answer = ask("PATCH", f"/meetings/{meeting.pk}", {"endTime": "2040-06-01T14:00:00Z"})

    assert answer.json()["endTime"] == "2040-06-01T14:00:00Z"
    assert scheduled() == {meeting.pk: NOON + 2 * HOUR}


@pytest.mark.parametrize(
    ("method", "path", "status"), [("POST", "/cancel", 200), ("DELETE", "", 204)]
)
def test_a_meeting_that_is_called_off_or_deleted_drops_its_run(
    ask: Ask, method: str, path: str, status: int
) -> None:
    meeting = make_meeting()

    answers = [ask(method, f"/meetings/{meeting.pk}{path}").status_code for _ in range(2)]

    assert answers == [status, 200 if path else 404]
    assert scheduled() == {}


def test_a_meeting_that_is_over_stays_as_it_is(ask: Ask) -> None:
    done = make_meeting(status=Status.DONE)

    moved = ask("PATCH", f"/meetings/{done.pk}", {"endTime": "2041-06-01T14:00:00Z"})
    called_off = ask("POST", f"/meetings/{done.pk}/cancel")

    assert (moved.status_code, called_off.status_code) == (409, 409)
    assert moved.json()["detail"] == (
        f"Meeting {done.pk} is done; only an upcoming one can be changed."
    )


@pytest.mark.parametrize(
    ("change", "pointer", "detail"),
    [
        ({"endTime": "2040-06-01T10:00:00Z"}, "#/endTime", "later than startTime"),
        ({"endTime": "2040-06-01T12:30:00"}, "#/endTime", "timezone"),
        ({"endTime": 1}, "#/endTime", "write an instant with its UTC offset"),
        ({"endTime": "3040-06-01T12:30:00Z"}, "#/endTime", "the year is 3040: 1900 to 2999"),
        ({"title": ""}, "#/title", "at least 1 character"),
        ({"owner": "nobody"}, "#/owner", "the name of an account that exists"),
        ({"colour": "red"}, "#/colour", "no field has this name"),
    ],
)
def test_what_cannot_be_a_meeting_is_refused_with_the_field(
    ask: Ask, change: dict[str, Any], pointer: str, detail: str
) -> None:
    answer = ask("POST", "/meetings", {**NEW, **change})

    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
    assert detail in answer.json()["errors"][0]["detail"]
    assert not Meeting.objects.exists()


def test_meetings_are_listed_in_pages_by_their_state(ask: Ask) -> None:
    make_meetings(25)
    make_meeting(status=Status.CANCELLED, end=NOON - timedelta(days=1))

    page = ask("GET", "/meetings?status=upcoming&page=2&per_page=20").json()

    assert (page["total"], page["totalPages"], page["page"], page["perPage"]) == (25, 2, 2, 20)
    assert [each["title"] for each in page["items"]] == [f"M{n}" for n in range(20, 25)]


def test_the_run_of_a_meeting_is_changed_at_the_meeting_and_nowhere_else(
    ask: Ask,
    scheduler: Callable[..., Answer],  # noqa: F811
    admin_client: Client,
) -> None:
    meeting = make_meeting()
    run = Run.objects.waiting().get()

    answers = [
        ask("PATCH", f"/scheduler/timers/{run.task_id}", {"dueAt": "2040-06-01T15:00:00Z"}),
        ask("POST", f"/scheduler/runs/{run.task_id}/cancel"),
    ]
    code = scheduler("cancel", str(run.task_id)).code

    for answer in answers:
        assert answer.status_code == 409
        assert answer.json()["detail"] == (
            f"Run {run.task_id} follows the end_time of meeting {meeting.pk}:"
            " change the meeting instead."
        )
    assert code == 4
    order = {"action": "cancel_selected", "_selected_action": [run.pk]}
    page = admin_client.post("/admin/schedules/run/", order, follow=True).content.decode()
    assert "change the meeting instead." in page
    assert scheduled() == {meeting.pk: NOON}

    bygone = ask("PATCH", f"/scheduler/timers/{run.task_id}", {"dueAt": "2020-06-01T15:00:00Z"})
    assert bygone.json()["errors"][0]["pointer"] == "#/dueAt"
