"""`scheduler run --log | --follow`."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from schedules.management.verbs.run_log import new_lines
from schedules.models import Run
from schedules.states import RunState
from tests.schedules.management.conftest import Answer

Scheduler = Callable[..., Answer]


@pytest.fixture
def run(make_run: Callable[..., Run]) -> Run:
    return make_run(
        state=RunState.FAILED,
        finished_at="2026-03-02T12:00:00Z",
        log="one\ntwo\n",
        progress={"done": 2, "total": None},
    )


@pytest.mark.django_db
def test_the_lines_are_the_result(scheduler: Scheduler, run: Run) -> None:
    answer = scheduler("run", str(run.task_id), "--log")

    assert (answer.code, answer.out, answer.err) == (0, "one\ntwo\n", "2 of ?\n")


@pytest.mark.django_db
def test_one_document_has_all_of_it(scheduler: Scheduler, run: Run) -> None:
    document = scheduler("run", str(run.task_id), "--log", "--json").document

    assert document == {
        "executionId": str(run.task_id),
        "statusName": "failed",
        "isFinished": True,
        "log": "one\ntwo\n",
        "progress": {"done": 2, "total": None},
    }


@pytest.mark.django_db
def test_following_ends_with_the_run_and_says_how(scheduler: Scheduler, run: Run) -> None:
    answer = scheduler("run", str(run.task_id), "--follow")

    assert (answer.code, answer.err.splitlines()[-1]) == (1, "It failed.")


@pytest.mark.django_db
def test_a_run_that_is_not_there_has_no_log(scheduler: Scheduler) -> None:
    assert scheduler("run", str(uuid4()), "--log").code == 3


def test_following_a_long_log_shows_each_line_once() -> None:
    assert new_lines([], ["a"]) == ["a"]
    assert new_lines(["a"], ["a", "b"]) == ["b"]
    assert new_lines(["a", "c"], ["a", "…", "c", "d"]) == ["d"]
    assert new_lines(["a", "c"], ["x", "y"]) == ["x", "y"]
