"""Timetables as code over the API, the effect read in what Beat then plans."""

from datetime import timedelta

import pytest

from schedules.dispatch import plan_due
from schedules.models import Job, Run, TaskFunction
from schedules.querysets.clock import database_now
from schedules.rest.parsing import MOST_BYTES_OF_A_FILE
from tests.schedules.api.conftest import Api

pytestmark = pytest.mark.django_db


def test_a_file_is_planned_applied_and_run_by(api: Api, declared_jobs: None) -> None:
    text: str = api("GET", "/export").json()["file"]
    text += "  filed:\n    task: add\n    args: [4]\n    intervalMinutes: 5\n"
    text = text.replace("  daily:\n", "  daily:\n    isEnabled: false\n")

    said = api("POST", "/plan", {"file": text}).json()
    assert not Job.objects.filter(key="filed").exists()
    done = api("POST", "/apply", {"file": text, "reason": "spring"})
    for minutes in (5, 10):
        plan_due(now=database_now() + timedelta(minutes=minutes))

    assert done.status_code == 200
    assert [item["changes"] for item in done.json()["items"]] == [
        item["changes"] for item in said["items"]
    ]
    assert {item["jobKey"]: item["action"] for item in said["items"]} == {
        "daily": "update",
        "filed": "create",
    }
    assert said["items"][1]["effect"]["added"] > 30 * 24 * 12
    runs = Run.objects.filter(job__key="filed")
    assert [(run.args, run.count) for run in runs.order_by("scheduled_at")] == [([4], 1), ([4], 1)]
    assert not Job.objects.get(key="daily").is_enabled
    assert api("POST", "/plan", {"file": text}).json()["pending"] == 0


def test_a_wrong_file_is_one_sentence_with_its_line(api: Api, add: TaskFunction) -> None:
    text = "version: 1\njobs:\n  filed:\n    task: add\n    cronExpression: 61 * * * *\n"

    answer = api("POST", "/apply", {"file": text})

    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(
        "file is \"line 5: jobs.filed.cronExpression is '61'\": "
    )
    assert not Job.objects.filter(key="filed").exists()


def test_a_file_may_be_larger_than_other_bodies(api: Api, add: TaskFunction) -> None:
    text = "version: 1\njobs: {}\n#" + "x" * 100_000

    assert api("POST", "/plan", {"file": text}).status_code == 200
    assert api("POST", "/plan", {"file": "#" * MOST_BYTES_OF_A_FILE}).status_code == 413
