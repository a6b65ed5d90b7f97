"""A run's log lines and progress: seen while it works, bounded, and no reason for it to fail."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from celery.app.task import Context
from django.db import DatabaseError, connection, transaction

from schedules import journal
from schedules.current import CurrentRun, RunLog, executing
from schedules.journal import LONGEST_LINE, MOST_AT_THE_END, MOST_AT_THE_START, Journal, Pages
from schedules.models import Run
from schedules.states import RunState
from schedules.testing import execute, execute_run
from tests.schedules import sample_jobs

Make = Callable[..., Run]


@pytest.fixture
def running(make_run: Make) -> Run:
    return make_run(state=RunState.RUNNING, attempt=1)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "PACE", timedelta(0))


def test_of_a_long_log_the_beginning_and_the_end_are_kept() -> None:
    pages = Pages()

    for number in range(100_000):
        pages.add(f"line {number}")

    text = pages.text()
    assert text.startswith("line 0\n")
    assert text.endswith("line 99999\n")
    assert " lines left out …" in text
    assert len(text) < MOST_AT_THE_START + MOST_AT_THE_END + 100


def test_an_endless_line_is_cut() -> None:
    pages = Pages()

    pages.add("x" * 1_000_000)

    assert len(pages.text()) == LONGEST_LINE + 2


@pytest.mark.django_db
def test_what_steers_a_terminal_is_written_out(running: Run) -> None:
    words = Journal(running)

    words.add("red \x1b[31m alert\x00 \u202egnp.exe \ud800 تنبيه")
    words.write()

    running.refresh_from_db()
    assert running.log == "red \\x1b[31m alert\\x00 \\u202egnp.exe \\ud800 تنبيه\n"


@pytest.mark.django_db(transaction=True)
def test_words_are_seen_while_the_run_goes_on(running: Run, at_once: None) -> None:
    words = Journal(running)

    words.add("one")
    words.note_progress(1, 3)

    running.refresh_from_db()
    assert (running.log, running.progress) == ("one\n", {"done": 1, "total": 3})


@pytest.mark.django_db(transaction=True)
def test_words_are_not_written_more_often_than_somebody_reads(
    running: Run, django_assert_num_queries: Any
) -> None:
    words = Journal(running)

    with django_assert_num_queries(0):
        for number in range(1000):
            words.note_progress(number, 1000)
    with django_assert_num_queries(1):
        words.write()


@pytest.mark.django_db(transaction=True)
def test_nothing_is_written_inside_a_transaction(
    running: Run, at_once: None, django_assert_num_queries: Any
) -> None:
    words = Journal(running)

    with transaction.atomic(), django_assert_num_queries(0):
        words.add("inside")


@pytest.mark.django_db(transaction=True)
def test_a_database_that_refuses_the_words_fails_nobody(running: Run, at_once: None) -> None:
    words = Journal(running)

    def refuse(*_: Any) -> None:
        raise DatabaseError("no")

    with connection.execute_wrapper(refuse):
        words.add("lost for now")
    words.add("later")

    running.refresh_from_db()
    assert running.log == "lost for now\nlater\n"


@pytest.mark.django_db
def test_another_attempts_log_is_not_touched(running: Run) -> None:
    words = Journal(running)
    Run.objects.update(attempt=2)

    words.add("from a worker that was thought dead")
    words.write()

    running.refresh_from_db()
    assert running.log == ""


@pytest.mark.django_db
def test_what_a_body_logs_is_in_its_runs_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        run = execute(sample_jobs.talk, "hello")

    lines = run.log.splitlines()
    assert lines[0].endswith("Z INFO hello")
    assert lines[1].endswith("Z ERROR it went wrong")
    assert lines[-1].startswith("ValueError: invalid literal")
    assert run.progress == {"done": 1, "total": 2}


@pytest.mark.django_db
def test_a_runs_log_names_what_each_line_is_about(make_run: Make) -> None:
    row = make_run(state=RunState.RUNNING, attempt=1)
    record = logging.makeLogRecord(
        {
            "name": "tasks.people",
            "levelname": "ERROR",
            "msg": "unknown employee",
            "code": "E9\n998",
            "door_token": "hush now",
            "note": "x" * 100_000,
            "run": "7",
        }
    )

    with executing(CurrentRun(row, Context())) as run:
        RunLog().handle(record)
        run.journal.write()

    row.refresh_from_db()
    line = row.log.removesuffix("\n")
    assert "ERROR unknown employee code=E9\\n998 door_token=*** note=xxx" in line
    assert "run=" not in line
    assert len(line) <= LONGEST_LINE + 1


@pytest.mark.django_db
def test_an_atomic_body_that_fails_keeps_its_words() -> None:
    run = execute(sample_jobs.leave_mark, "here", fail=True)

    assert run.state == "failed"
    assert run.log.endswith("WARNING marking here\n")


@pytest.mark.django_db
def test_each_attempt_goes_on_below_the_one_before(make_run: Make) -> None:
    run = make_run("sample_jobs.try_again", 1)

    first = execute_run(run)
    assert first.state == "retrying"
    ended = execute_run(run)

    assert ended.state == "succeeded"
    marks = [line for line in ended.log.splitlines() if "attempt" in line or "try" in line]
    assert [mark.rpartition(" WARNING ")[2] for mark in marks] == [
        "try 0",
        "— attempt 2 —",
        "try 1",
    ]


@pytest.mark.django_db
def test_a_body_that_says_nothing_costs_no_statement(
    make_run: Make, django_assert_max_num_queries: Any
) -> None:
    run = make_run("sample_jobs.add", 1)

    with django_assert_max_num_queries(20) as asked:
        execute_run(run)

    assert not [q for q in asked.captured_queries if '"log" =' in q["sql"]]
