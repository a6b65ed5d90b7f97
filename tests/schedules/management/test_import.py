"""`scheduler import`: what it says, and how it ends."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from schedules.models import Job
from schedules.operations.install import install_declared
from schedules.querysets.clock import database_now
from tests.schedules.management.conftest import Answer

pytestmark = pytest.mark.django_db

Scheduler = Callable[..., Answer]


@pytest.fixture
def entries(tmp_path: Path) -> Path:
    install_declared(now=database_now())
    file = tmp_path / "schedule.json"
    good = {"task": "sample_jobs.add", "schedule": {"minute": "0", "hour": "5"}, "args": [1]}
    file.write_text(json.dumps({"good": good, "bad": {"task": "os.system", "schedule": 60}}))
    return file


def test_what_is_left_behind_is_listed_and_is_exit_code_1(
    scheduler: Scheduler, entries: Path
) -> None:
    tried = scheduler("import", "beat-schedule", str(entries), "--dry-run", "--tz", "Asia/Jakarta")
    assert not Job.objects.filter(key="good").exists()
    done = scheduler("import", "beat-schedule", str(entries), "--json")

    assert (tried.code, done.code) == (1, 1)
    assert "would be created  good: sample_jobs.add, 0 5 * * * Asia/Jakarta" in tried.out
    assert "LEFT              bad: task is 'os.system'" in tried.out
    assert (done.document["created"], done.document["notCarried"]) == (1, 1)
    by_name = {item["name"]: item for item in done.document["items"]}
    assert by_name["good"]["nextRunAt"]
    assert by_name["bad"]["outcome"] == "not_carried"


def test_a_job_whose_id_is_a_number_gets_a_key_that_names_it_alone(
    scheduler: Scheduler, entries: Path
) -> None:
    first = Job.objects.earliest("id")
    entry = {"task": "sample_jobs.add", "schedule": {"minute": "0", "hour": "5"}, "args": [1]}
    entries.write_text(json.dumps({str(first.pk): entry}))

    done = scheduler("import", "beat-schedule", str(entries), "--json")
    again = scheduler("import", "beat-schedule", str(entries), "--json")

    [item] = done.document["items"]
    key = f"job-{first.pk}"
    assert item["remarks"] == [
        f"its key is {key}, not {first.pk}: it could be the number of another job"
    ]
    assert Job.objects.get(key=key).task == "sample_jobs.add"
    assert again.document["exists"] == 1
    assert scheduler("show", str(first.pk), "--json").document["key"] == first.key


def test_a_job_whose_id_no_address_can_hold_gets_a_key_that_one_can(
    scheduler: Scheduler, entries: Path
) -> None:
    entry = {"task": "sample_jobs.add", "schedule": {"minute": "0", "hour": "5"}, "args": [1]}
    entries.write_text(json.dumps({"reports/daily": entry}))

    done = scheduler("import", "beat-schedule", str(entries), "--json")
    again = scheduler("import", "beat-schedule", str(entries), "--json")

    [item] = done.document["items"]
    said = "its key is reports:daily, not reports/daily: no address of a job can hold a /"
    assert (item["name"], item["remarks"]) == ("reports/daily", [said])
    shown = scheduler("show", "reports:daily", "--json").document
    assert shown["nameEn"] == "reports/daily"
    assert again.document["items"][0]["reason"].startswith("a job has the key reports:daily")


def test_a_task_may_be_named_anew(scheduler: Scheduler, entries: Path) -> None:
    answer = scheduler(
        "import", "beat-schedule", str(entries), "--task", "os.system=daily", "--json"
    )

    assert answer.code == 0
    assert Job.objects.get(key="bad").task == "sample_jobs.daily"


@pytest.mark.parametrize(
    "words",
    [
        ("apscheduler", "no-such-file.db"),
        ("django-celery-beat", "ftp://somewhere"),
        ("beat-schedule", "no.such.module"),
        ("beat-schedule", "../shop"),
        ("beat-schedule", "tests.schedules.operations.importing.raises_when_imported"),
        ("apscheduler", "x" * 5000),
        ("django-celery-beat", "sqlite:///" + "x" * 5000),
        ("beat-schedule", "json", "--table", "x"),
        ("apscheduler", "x.db", "--tz", "UTC"),
        ("apscheduler", "x.db", "--task", "nonsense"),
    ],
)
def test_bad_input_is_exit_code_2_with_a_sentence(
    scheduler: Scheduler, words: tuple[str, ...]
) -> None:
    answer = scheduler("import", *words, "--json")

    assert answer.code == 2
    assert answer.document["error"]["accepted"]
