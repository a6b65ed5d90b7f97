"""A connection that breaks under a run is the database's fault and not the run's."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection

from schedules import task
from schedules.models import Attempt, Calendar, Run
from schedules.querysets.runs import RunQuerySet
from schedules.states import RunState
from schedules.testing import execute, execute_run
from tests.schedules import sample_jobs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite is in the process itself")
@pytest.mark.parametrize(
    ("job", "arguments", "marks"),
    [
        (sample_jobs.lose_connection, (), 0),
        (sample_jobs.lose_connection_and_mark, ("x",), 1),
        (sample_jobs.lose_connection_without_a_code, (), 0),
    ],
)
def test_a_run_that_loses_its_connection_is_tried_again_and_has_not_failed(
    job: Any, arguments: tuple[str, ...], marks: int
) -> None:
    run = execute(job, *arguments)
    assert (run.state, run.attempt) == (RunState.RETRYING, 1)

    run = execute_run(run)

    assert (run.state, run.summary) == (RunState.SUCCEEDED, "'kept it'")
    outcomes = Attempt.objects.filter(run=run).order_by("number").values_list("outcome", flat=True)
    assert list(outcomes) == ["lost", "succeeded"]
    assert Calendar.objects.count() == marks


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite is in the process itself")
@pytest.mark.parametrize("arrives", [False, True], ids=["asked in vain", "answered in vain"])
def test_a_claim_that_loses_its_connection_is_made_all_the_same(
    make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, arrives: bool
) -> None:
    claim = RunQuerySet.claim
    asked = []

    def claim_and_lose(runs: RunQuerySet, *given: Any, **named: Any) -> Run | None:
        asked.append(connection.connection)
        if len(asked) > 1:
            return claim(runs, *given, **named)
        if arrives:
            assert claim(runs, *given, **named) is not None
        connection.connection.close()
        raise OperationalError("consuming input failed: server closed the connection unexpectedly")

    monkeypatch.setattr(RunQuerySet, "claim", claim_and_lose)

    run = execute_run(make_run("sample_jobs.add", 1))

    assert (run.state, run.attempt, len(asked)) == (RunState.SUCCEEDED, 1, 2 - arrives)


def test_a_run_whose_refusal_cannot_be_explained_goes_on_waiting(
    make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run("sample_jobs.add", 1, due_at=datetime(2100, 1, 1, tzinfo=UTC))
    monkeypatch.setattr(task, "_explain_refusal", lose_connection)

    assert execute_run(run).state == RunState.PLANNED


def test_a_run_that_cannot_give_way_goes_on_waiting(
    make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run("sample_jobs.add", 1)
    monkeypatch.setattr(RunQuerySet, "claim", find_no_slot)
    monkeypatch.setattr(task, "give_way", lose_connection)

    assert execute_run(run).state == RunState.PLANNED


def lose_connection(*_: object) -> None:
    raise OperationalError("server closed the connection unexpectedly")


def find_no_slot(*_: object, **__: object) -> None:
    raise IntegrityError("one_running_run_per_slot")
