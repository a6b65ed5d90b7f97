"""A simulation over the API and the command line, of the jobs as a file has them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schedules.models import AuditEntry, Job, Run, TaskFunction
from tests.schedules.api.conftest import Api
from tests.schedules.management.conftest import Answer, scheduler  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db

DAY = {"from": "2030-03-01T00:00:00Z", "to": "2030-03-01T23:59:59Z"}
FILE = """
version: 1
unlisted: disable
jobs:
  filed:
    task: add
    args: [1]
    cronExpression: "*/10 * * * *"
    overlap: queue_one
  then:
    task: add
    args: [2]
    after: [{job: filed}]
"""


def test_a_file_is_tried_out_and_nothing_is_written(api: Api, add: TaskFunction) -> None:
    AuditEntry.objects.all().delete()
    body = {**DAY, "file": FILE, "lengthSeconds": 900}

    found = api("POST", "/simulate", body).json()

    items = {item["jobKey"]: item for item in found["items"]}
    assert items.keys() == {"filed", "then"}
    filed: dict[str, Any] = items["filed"]
    parts = ("ran", "skipped", "missed", "cancelled", "waiting")
    assert filed["occurrences"] == sum(filed[name] for name in parts) == 144
    assert (filed["ran"], items["then"]["ran"]) == (96, 95)
    assert filed["slotsExhausted"] > 90
    assert found["busiestMinutes"][0]["starts"] == 2
    assert not Run.objects.exists()
    assert not AuditEntry.objects.exists()
    assert not Job.objects.filter(key="filed").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"to": "2030-03-01T00:00:00Z"}, "an instant after from"),
        ({"file": "jobs: ["}, "file is 'line 2"),
        ({"lengthSeconds": 0}, "lengthSeconds: "),
    ],
)
def test_bad_input_is_one_sentence(
    api: Api, add: TaskFunction, change: dict[str, Any], words: str
) -> None:
    answer = api("POST", "/simulate", {**DAY, "file": FILE, **change})

    assert answer.status_code == 422
    assert words in answer.json()["detail"]


def test_the_command_says_the_same(
    api: Api,
    add: TaskFunction,
    scheduler: Callable[..., Answer],  # noqa: F811
    tmp_path: Path,
) -> None:
    file = tmp_path / "jobs.yaml"
    file.write_text(FILE)
    words = ["simulate", "--from", DAY["from"], "--to", DAY["to"], "-f", str(file)]
    words += ["--length", "900"]

    shown, document = scheduler(*words), scheduler(*words, "--json").document

    assert document == api("POST", "/simulate", {**DAY, "file": FILE, "lengthSeconds": 900}).json()
    assert "15 min (assumed)" in shown.out
    outage = "2030-03-01T00:05:00Z/2030-03-01T01:00:00Z"
    assert scheduler(*words, "--outage", outage, "--json").document["items"][0]["missed"] > 0
    assert scheduler(*words, "--outage", "tonight").code == 2


def test_an_outage_outside_the_span_is_refused_at_its_field(api: Api, add: TaskFunction) -> None:
    outage = {"from": "2031-03-01T00:00:00Z", "to": "2030-03-01T00:00:00Z"}

    answer = api("POST", "/simulate", {**DAY, "file": FILE, "outages": [outage]})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/outages")
