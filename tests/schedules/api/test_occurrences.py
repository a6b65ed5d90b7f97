"""Single occurrences over the API, and what is planned then."""

from datetime import datetime
from typing import Any

import pytest

from schedules.dispatch import plan_due
from schedules.models import Job, OccurrenceChange, Run, TaskFunction
from tests.schedules.api.conftest import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def coming(api: Api, add: TaskFunction) -> list[str]:
    """Make an hourly job and return its next occurrences."""
    body = {"taskFunctionKey": "add", "key": "report", "args": [1], "cronExpression": "0 * * * *"}
    assert api("POST", "/jobs", {**body, "misfireGraceTime": -1}).status_code == 201
    Job.objects.filter(key="report").update(coalesce=False)
    found: list[str] = api("GET", "/jobs/report/next?count=4").json()["occurrences"]
    return found


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_occurrences_are_skipped_moved_changed_and_planned_so(api: Api, coming: list[str]) -> None:
    first, second, third, fourth = coming
    later = second.replace(":00:00Z", ":20:00Z")
    why = {"reason": "stocktaking"}

    skipped = api("PUT", f"/jobs/report/occurrences/{first}", {"skip": True, **why})
    moved = api("PUT", f"/jobs/report/occurrences/{second}", {"movedTo": later, **why})
    other = api("PUT", f"/jobs/report/occurrences/{third}", {"kwargs": {"y": 5}})

    assert (skipped.status_code, moved.status_code, other.status_code) == (200, 200, 200)
    items = api("GET", "/jobs/report/next?count=4").json()["items"]
    assert [one["change"] and one["change"]["isSkipped"] for one in items] == [
        *(True, False, False),
        None,
    ]
    assert items[1]["change"]["movedTo"] == later
    plan_due(now=at(fourth))
    runs = {run.scheduled_at: run for run in Run.objects.filter(job_key="report")}
    assert (runs[at(first)].state, runs[at(first)].reason) == (
        "skipped",
        "skipped by super-admin: stocktaking",
    )
    assert runs[at(second)].due_at == at(later)
    assert [runs[at(one)].kwargs for one in (third, fourth)] == [{"y": 5}, {}]
    states = [one["state"] for one in api("GET", "/jobs/report/occurrences").json()["items"]]
    assert states == ["used", "used", "used"]


def test_what_was_said_is_taken_back_once(api: Api, coming: list[str]) -> None:
    path = f"/jobs/report/occurrences/{coming[0]}"
    api("PUT", path, {"skip": True})

    undone, again = api("DELETE", path), api("DELETE", path)

    assert undone.json()["items"][0]["state"] == "undone"
    assert again.status_code == 409
    plan_due(now=at(coming[0]))
    assert Run.objects.get(job_key="report").state == "sent"


@pytest.mark.parametrize(
    ("place", "body", "status", "sentence"),
    [
        ("2030-01-01T00:07:00Z", {"skip": True}, 422, "the next one after it is 2030-01-01T01:00"),
        ("2020-01-01T00:00:00Z", {"skip": True}, 422, "still to come"),
        ("2030-01-01T01:00:00", {"skip": True}, 422, "an ISO 8601 instant"),
        ("tomorrow", {"skip": True}, 422, "an ISO 8601 instant"),
        ("2030-01-01T01:00:00Z", {}, 422, "another time, or other arguments"),
        ("2030-01-01T01:00:00Z", {"skip": True, "kwargs": {}}, 422, "left out together with skip"),
        ("2030-01-01T01:00:00Z", {"movedTo": "2020-01-01T01:00:00Z"}, 422, "in the future"),
        ("2030-01-01T01:00:00Z", {"kwargs": {"z": 1}}, 422, "z"),
    ],
)
def test_what_makes_no_sense_is_one_sentence_and_nothing_changed(
    api: Api, coming: list[str], place: str, body: dict[str, Any], status: int, sentence: str
) -> None:
    answer = api("PUT", f"/jobs/report/occurrences/{place}", body)

    assert answer.status_code == status
    assert sentence in answer.json()["detail"]
    assert not OccurrenceChange.objects.exists()
    assert not Job.objects.get(key="report").has_changes
