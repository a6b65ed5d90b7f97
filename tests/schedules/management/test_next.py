"""`scheduler next`."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schedules.models import Job
from schedules.timing import Cron, to_spec
from tests.schedules.management.conftest import Answer

ROOT = Path(__file__).resolve().parents[3]
Scheduler = Callable[..., Answer]


def test_a_time_in_the_gap_runs_after_it(scheduler: Scheduler) -> None:
    answer = scheduler(
        *("next", "--cron", "30 2 * * *", "--tz", "Europe/Berlin"),
        *("--after", "2026-03-28T12:00:00Z", "--count", "2", "--json"),
    )

    first, second = answer.document["items"]
    assert first == {
        "at": "2026-03-29T01:00:00Z",
        "local": "2026-03-29T03:00:00+02:00",
        "mark": "02:30 does not exist on 29 March; runs at 03:00",
    }
    assert (second["local"], second["mark"]) == ("2026-03-30T02:30:00+02:00", None)
    assert answer.document["occurrences"] == [first["at"], second["at"]]
    assert answer.code == 0


@pytest.mark.parametrize(
    ("rule", "first"), [("any", "2026-03-06T00:00:00Z"), ("all", "2026-03-13T00:00:00Z")]
)
def test_the_day_rule_decides_over_two_day_fields(
    scheduler: Scheduler, rule: str, first: str
) -> None:
    answer = scheduler(
        *("next", "--cron", "0 0 13 * FRI", "--day-rule", rule),
        *("--after", "2026-03-01T00:00:00+00:00", "--count", "1", "--json"),
    )

    assert answer.document["occurrences"] == [first]


def test_an_expression_that_never_fires_has_no_occurrences(scheduler: Scheduler) -> None:
    answer = scheduler("next", "--cron", "0 0 31 2 *", "--after", "2026-01-01T00:00Z", "--json")

    assert (answer.code, answer.document) == (0, {"occurrences": [], "items": []})
    assert answer.err == "It never runs again after 2026-01-01T00:00:00Z.\n"


def test_cron_needs_no_database() -> None:
    environment = {**os.environ, "DATABASE_URL": "postgres://nobody@127.0.0.1:9/none"}
    command = ["manage.py", "scheduler", "next", "--cron", "@daily", "--count", "1", "--json"]

    ended = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert ended.returncode == 0, ended.stderr
    assert len(json.loads(ended.stdout)["occurrences"]) == 1


@pytest.mark.parametrize(
    ("words", "field", "found"),
    [
        (["--cron", "61 * * * *"], "minute", "61"),
        (["--cron", "* * *"], "expression", "* * *"),
        (["--cron", "0 0 0 * * * *"], "expression", "0 0 0 * * * *"),
        (["--cron", "@daily", "--tz", "Mars/Olympus"], "timezone", "Mars/Olympus"),
        (["--cron", "@daily", "--day-rule", "some"], "dayRule", "some"),
        (["--cron", "@daily", "--after", "2026-01-01T00:00:00"], "after", "2026-01-01T00:00:00"),
        (["--cron", "@daily", "--after", "soon"], "after", "soon"),
        (["--cron", "@daily", "--after", "0001-01-01T00:00+14:00"], "after", None),
        (["--cron", "@daily", "--count", "0"], "count", "0"),
        (["--cron", "@daily", "--count", "٣"], "count", "٣"),
        (["--cron", "@daily", "some_job"], "job", "some_job beside --cron"),
        ([], "arguments", "none"),
        (["some_job", "--tz", "UTC"], "tz", "UTC"),
    ],
)
def test_bad_input_is_named(
    scheduler: Scheduler, words: list[str], field: str, found: str | None
) -> None:
    answer = scheduler("next", *words, "--json")

    error = answer.document["error"]
    assert answer.code == 2
    assert set(error) == {"field", "found", "accepted"}
    assert error["field"] == field
    assert found is None or error["found"] == found


def test_without_arguments_it_says_what_it_takes(scheduler: Scheduler) -> None:
    answer = scheduler("next")

    assert answer.code == 2
    assert answer.err == (
        "`scheduler next` takes JOB (the key or number of a job), or --cron EXPR;"
        " `scheduler next --help` has examples.\n"
    )


def test_without_json_bad_input_is_one_sentence(scheduler: Scheduler) -> None:
    answer = scheduler("next", "--cron", "61 * * * *")

    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("minute is '61': ")
    assert answer.err.count("\n") == 1


@pytest.mark.django_db
def test_a_job_is_named_by_key_or_number(
    scheduler: Scheduler, make_job: Callable[..., Job]
) -> None:
    job = make_job("nightly", timetable=Cron("30 0 * * *", tz="Asia/Jakarta"))
    options = ("--after", "2026-01-01T00:00:00Z", "--count", "1", "--json")

    by_key, by_number = (
        scheduler("next", "nightly", *options),
        scheduler("next", str(job.pk), *options),
    )

    assert by_key.document == by_number.document
    assert by_key.document["occurrences"] == ["2026-01-01T17:30:00Z"]


@pytest.mark.django_db
def test_an_unknown_job_is_not_found(scheduler: Scheduler) -> None:
    answer = scheduler("next", "nothing", "--json")

    assert answer.code == 3
    assert answer.document["error"]["found"] == "nothing"


@pytest.mark.django_db
def test_a_job_without_a_timetable_is_refused_with_the_reason(
    scheduler: Scheduler, make_job: Callable[..., Any]
) -> None:
    make_job("broken")
    Job.objects.update(timetable=None, invalid_reason="minute is '61'.")

    answer = scheduler("next", "broken")

    assert answer.code == 4
    assert answer.err == "Job 'broken' cannot run: minute is '61'.\n"


@pytest.mark.django_db
def test_a_number_wins_over_a_key_like_it(
    scheduler: Scheduler, make_job: Callable[..., Job]
) -> None:
    first = make_job("first", timetable=Cron("0 1 * * *"))
    make_job(str(first.pk), timetable=Cron("0 2 * * *"))

    answer = scheduler(
        "next", str(first.pk), "--after", "2026-01-01T00:00Z", "--count", "1", "--json"
    )

    assert answer.document["occurrences"] == ["2026-01-01T01:00:00Z"]
    assert to_spec(Cron("0 1 * * *")) == first.timetable
