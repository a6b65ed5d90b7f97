"""A worker's child dies, or loses the database, where the end of a run waits for the next claim."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from schedules.finish import held
from schedules.models import Attempt, Run
from tests.promises import promise_jobs as jobs
from tests.promises.books import check_runs
from tests.promises.world import deliver_run, take_message

Die = Callable[..., int]

pytestmark = pytest.mark.skipif(
    "sqlite" in settings.DATABASES["default"]["ENGINE"], reason="SQLite ends each run at once"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "outside"


def three_calls(file: Path) -> list[Run]:
    file.write_bytes(b"")
    results = [
        jobs.outside.delay(str(file)),
        jobs.outside_again.delay(str(file)),
        jobs.outside.delay(str(file)),
    ]
    while take_message() is not None:
        pass  # they are given to their tasks without it
    return [Run.objects.get(task_id=result.id) for result in results]


def one_after_the_other(runs: list[Run]) -> None:
    held.expect_claims(True)
    for run in runs:
        deliver_run(run)
    held.settle_at_last()


def test_a_death_with_an_end_held(die_at_every_step: Die, file: Path) -> None:
    found: set[tuple[str, ...]] = set()

    def check(runs: list[Run]) -> None:
        check_runs()
        first, second, third = (Run.objects.get(pk=run.pk) for run in runs)
        found.add((first.state, second.state, third.state))
        done = len(file.read_bytes())
        # What may not run twice has not: it is lost where the child had taken it and not ended it.
        assert {first.state, third.state} <= {"succeeded", "lost"}
        assert (first.attempt, third.attempt) == (1, 1)
        assert second.state == "succeeded"
        assert Attempt.objects.filter(outcome="succeeded").count() <= done <= 2 + second.attempt

    die_at_every_step(lambda: three_calls(file), one_after_the_other, check, each=True)

    # At most one of them: the claim of the next and the end of the last are one commit.
    assert found == {
        ("succeeded", "succeeded", "succeeded"),
        ("lost", "succeeded", "succeeded"),
        ("succeeded", "succeeded", "lost"),
    }


@pytest.mark.parametrize("fault", ["severed", "unanswered"])
def test_a_lost_connection_with_an_end_held(die_at_every_step: Die, file: Path, fault: str) -> None:
    def check(runs: list[Run]) -> None:
        check_runs()
        ended = [Run.objects.get(pk=run.pk) for run in runs]
        assert [(run.state, run.attempt) for run in ended] == [("succeeded", 1)] * 3
        assert len(file.read_bytes()) == 3

    die_at_every_step(lambda: three_calls(file), one_after_the_other, check, fault=fault)
