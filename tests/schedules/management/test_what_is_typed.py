"""What the command line takes as text, as numbers and as keys, and in what form it answers."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django_celery_results.models import TaskResult

from schedules.models import Run
from schedules.operations.shapes import result_data
from schedules.operations.wording import iso
from schedules.querysets.clock import database_now
from schedules.timing import Cron
from tests.schedules.management.conftest import Answer

ROOT = Path(__file__).resolve().parents[3]
Scheduler = Callable[..., Answer]
Make = Callable[..., Any]


def typed(*words: str | bytes, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command as a shell does."""
    return subprocess.run(
        [sys.executable, "manage.py", "scheduler", *words],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        check=False,
        timeout=60,
    )


def strict(text: str | bytes) -> Any:
    """Read JSON as other languages do: without the constants that Python adds to it."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("word", [b"a\xffb", b"\xed\xa0\x80"])
def test_bytes_that_are_no_text_are_refused(word: bytes) -> None:
    plain, as_json = typed("show", word), typed("show", word, "--json")

    assert (plain.returncode, as_json.returncode) == (2, 2)
    assert b"Traceback" not in plain.stderr
    assert b"is not text" in plain.stderr
    assert strict(as_json.stdout)["error"]["field"] == "arguments"


def test_an_answer_is_in_utf_8_whatever_the_locale_says() -> None:
    answer = typed("next", "--cron", "حضور", "--json", PYTHONIOENCODING="latin-1", PYTHONUTF8="1")

    assert answer.returncode == 2, answer.stderr
    assert strict(answer.stdout)["error"]["found"] == "حضور"


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", " ", "k" * 201, "ключ", "a\nb"])
@pytest.mark.parametrize("verb", ["trigger", "retry", "backfill"])
def test_an_idempotency_key_that_cannot_tell_requests_apart_is_refused(
    scheduler: Scheduler, make_job: Make, make_run: Make, now: Any, verb: str, key: str
) -> None:
    job = make_job("nightly")
    ended = make_run(job=job, job_key=job.key, state="failed", finished_at=now)
    words = {
        "trigger": ["nightly"],
        "retry": [str(ended.task_id)],
        "backfill": ["nightly", "--from", iso(database_now() - timedelta(hours=1))],
    }

    answer = scheduler(verb, *words[verb], "--idempotency-key", key, "--json")

    assert answer.code == 2
    assert answer.document["error"]["accepted"] == "1 to 200 printable ASCII characters"
    assert Run.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "kwargs", ['{"y": NaN}', '{"y": 1e999}', '{"y": "\\u0000"}', '{"y": "\\ud800"}']
)
def test_arguments_that_no_database_stores_are_refused(
    scheduler: Scheduler, make_job: Make, kwargs: str
) -> None:
    make_job("nightly", task="sample_jobs.take_anything", args=[])

    answer = scheduler("trigger", "nightly", "--kwargs", kwargs, "--json")

    assert answer.code == 2
    assert strict(answer.out)["error"]["accepted"]
    assert not Run.objects.exists()


@pytest.mark.django_db
def test_a_number_that_is_none_does_not_spoil_the_document(scheduler: Scheduler) -> None:
    answer = scheduler("preview", "--new", '{"intervalSeconds": 1e999}', "--json")

    assert answer.code == 2
    assert strict(answer.out)["error"]["field"] == "intervalSeconds"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_result_with_such_a_number_stays_json(number: str) -> None:
    kept = TaskResult(result=f'{{"mean": {number}}}', status="SUCCESS")

    assert result_data(kept) == {"mean": number}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ('{"intervalWeeks": 99999999}', "intervalWeeks"),
        ('{"cronExpression": "@daily", "intervalSeconds": 60}', "cronExpression"),
        ('{"cronExpression": "61 * * * *"}', "cronExpression"),
    ],
)
def test_a_preview_names_fields_as_they_were_typed(
    scheduler: Scheduler, fields: str, field: str
) -> None:
    error = scheduler("preview", "--new", fields, "--json").document["error"]

    assert error["field"] == field
    assert "_" not in f"{error['found']} {error['accepted']}"


@pytest.mark.django_db
@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize(
    ("verb", "options"),
    [
        (["verify"], ["--from", "--to"]),
        (["simulate"], ["--from", "--to"]),
        (["explain", "nightly"], ["--at"]),
        (["next", "nightly"], ["--after"]),
        (["backfill", "nightly", "--dry-run"], ["--from"]),
    ],
)
def test_an_instant_at_the_ends_of_the_calendar_is_refused(
    scheduler: Scheduler, make_job: Make, verb: list[str], options: list[str], instant: str
) -> None:
    make_job("nightly", timetable=Cron("0 0 * * *", tz="Pacific/Kiritimati"))

    for option in options:
        answer = scheduler(*verb, option, instant, "--json")

        assert answer.code == 2
        assert "1900 to 2999" in answer.document["error"]["accepted"]


@pytest.mark.parametrize("verb", ["openapi", "types"])
def test_a_file_that_cannot_be_written_or_read_is_bad_input(
    scheduler: Scheduler, tmp_path: Path, verb: str
) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff")

    nowhere = scheduler(verb, "--output", str(tmp_path / "no" / "file"), "--json")
    folder = scheduler(verb, "--output", str(tmp_path), "--json")
    other = scheduler(verb, "--output", str(binary), "--check", "--json")
    unnamed = scheduler(verb, "--check", "--json")

    assert [answer.code for answer in (nowhere, folder, other, unnamed)] == [2, 2, 1, 2]
    assert nowhere.document["error"]["field"] == unnamed.document["error"]["field"] == "output"


def test_a_database_without_tables_is_told_from_one_that_does_not_answer(tmp_path: Path) -> None:
    empty = typed("jobs", "--json", DATABASE_URL=f"sqlite:///{tmp_path / 'empty.db'}")
    absent = typed("jobs", "--json", DATABASE_URL="postgres://nobody@127.0.0.1:9/none")

    assert (empty.returncode, absent.returncode) == (1, 1)
    assert "`manage.py migrate`" in strict(empty.stdout)["error"]["detail"]
    assert "does not answer" in strict(absent.stdout)["error"]["detail"]
