"""An end that waits for the next claim: one commit for both, and never a body before it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from django_celery_results.models import TaskResult

from schedules.finish import held
from schedules.models import Attempt, Job, Run
from schedules.querysets.clock import database_now
from schedules.querysets.ending import succeed
from schedules.querysets.runs import RunQuerySet
from schedules.querysets.statements import first_row
from schedules.signals import run_finished
from schedules.states import Origin, RunState
from schedules.testing import execute_run

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite ends each run at once"),
]

MakeRun = Callable[..., Run]


@pytest.fixture(autouse=True)
def expecting_claims() -> Iterator[None]:
    held.expect_claims(True)
    yield
    held.expect_claims(False)
    held.settle_at_last()


@pytest.fixture
def waiting(make_run: MakeRun) -> Run:
    """A run whose body has returned, and whose end is held."""
    run = execute_run(make_run("sample_jobs.add", 1))
    assert (run.state, held.is_held()) == (RunState.RUNNING, True)
    return run


def state_of(run: Run) -> tuple[str, list[str], list[str]]:
    """What the run, its attempts and its task result say."""
    run.refresh_from_db()
    tries = Attempt.objects.filter(run=run).order_by("number")
    results = TaskResult.objects.filter(task_id=str(run.task_id))
    return (
        run.state,
        list(tries.values_list("outcome", flat=True)),
        list(results.values_list("status", flat=True)),
    )


SUCCEEDED = ("succeeded", ["succeeded"], ["SUCCESS"])
RUNNING: tuple[str, list[str], list[str]] = ("running", [], [])


def written_by(run: Run) -> int:
    """The transaction that has written the run's row last."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT xmin::text FROM schedules_run WHERE id = %s", [run.pk])
        return int(cursor.fetchone()[0])


def test_an_end_and_the_next_claim_are_one_transaction(waiting: Run, make_run: MakeRun) -> None:
    following = execute_run(make_run("sample_jobs.add", 2))

    assert state_of(waiting) == SUCCEEDED
    assert written_by(waiting) == written_by(following)
    assert state_of(following) == RUNNING
    held.settle()
    assert state_of(following) == SUCCEEDED
    assert not held.is_held()


def test_a_run_has_ended_when_its_body_returned_and_not_when_that_is_written(waiting: Run) -> None:
    assert held._held is not None
    Run.objects.filter(pk=waiting.pk).update(started_at=database_now() - timedelta(minutes=9))
    held._held.returned_at -= 60

    held.settle()

    waiting.refresh_from_db()
    assert waiting.finished_at is not None
    assert timedelta(seconds=60) <= database_now() - waiting.finished_at < timedelta(seconds=90)
    assert Attempt.objects.get(run=waiting).ended_at == waiting.finished_at
    assert TaskResult.objects.get(task_id=waiting.task_id).date_done == waiting.finished_at


def test_what_was_taken_back_meanwhile_keeps_its_new_owner(waiting: Run, make_run: MakeRun) -> None:
    Run.objects.filter(pk=waiting.pk).update(attempt=2)

    following = execute_run(make_run("sample_jobs.add", 2))

    assert state_of(waiting) == RUNNING
    assert following.attempt == 1
    held.settle()
    assert state_of(following) == SUCCEEDED


def test_a_claim_that_finds_no_run_keeps_no_end_from_being_written(
    waiting: Run, make_run: MakeRun
) -> None:
    later = database_now() + timedelta(days=1)

    early = execute_run(make_run("sample_jobs.add", 2, due_at=later))

    assert early.attempt == 0
    assert state_of(waiting) == SUCCEEDED


def test_a_claim_that_is_refused_keeps_no_end_from_being_written(
    waiting: Run, make_run: MakeRun, make_job: Callable[..., Job]
) -> None:
    job = make_job()
    fields: dict[str, Any] = {"job": job, "job_key": job.key, "origin": Origin.OPERATOR}
    first = make_run("sample_jobs.add", 2, **fields)
    assert Run.objects.claim(first.task_id, task=first.task, instance_id=uuid4(), pid=1)

    second = execute_run(make_run("sample_jobs.add", 3, **fields))

    assert state_of(waiting) == SUCCEEDED
    assert (second.state in {RunState.RUNNING, RunState.SUCCEEDED}, second.attempt) == (False, 0)


@pytest.mark.parametrize("arrives", [False, True], ids=["asked in vain", "answered in vain"])
def test_a_connection_that_is_lost_between_two_runs_costs_neither(
    waiting: Run, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, arrives: bool
) -> None:
    told: list[int] = []
    asked = []

    def lose(*given: Any) -> Any:
        asked.append(given)
        if len(asked) > 1:
            return first_row(*given)
        if arrives:
            first_row(*given)
        connection.connection.close()
        raise OperationalError("consuming input failed: server closed the connection unexpectedly")

    def hear(*, run_id: int, **_: Any) -> None:
        told.append(run_id)

    monkeypatch.setattr("schedules.finish.held.first_row", lose)
    run_finished.connect(hear)

    following = execute_run(make_run("sample_jobs.add", 2))

    assert state_of(waiting) == SUCCEEDED
    assert (following.attempt, state_of(following)) == (1, RUNNING)
    held.settle()
    assert state_of(following) == SUCCEEDED
    run_finished.disconnect(hear)
    assert told == [waiting.pk, following.pk]


def test_an_end_is_written_once_the_database_is_back(
    waiting: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def away(*given: Any, **named: Any) -> bool:
        if len(pauses) < 3:
            connection.close()
            raise OperationalError("connection refused")
        return succeed(*given, **named)

    monkeypatch.setattr("schedules.finish.held.succeed", away)
    monkeypatch.setattr("schedules.finish.held.time.sleep", pauses.append)

    held.settle()

    assert state_of(waiting) == SUCCEEDED
    assert pauses == [0.0, 0.5, 1.0]


def test_on_the_way_out_an_end_is_tried_twice_and_then_left_to_the_reaper(
    waiting: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def away(*given: Any, **_: Any) -> bool:
        asked.append(given)
        connection.close()
        raise OperationalError("connection refused")

    with monkeypatch.context() as patched:
        patched.setattr("schedules.finish.held.succeed", away)
        held.settle_at_last()

    assert len(asked) == 2
    assert state_of(waiting) == RUNNING


def test_a_result_that_the_database_refuses_fails_its_run(waiting: Run) -> None:
    assert held._held is not None
    held._held.facts["summary"] = "a\0b"

    held.settle()

    assert state_of(waiting) == ("failed", ["failed"], ["FAILURE"])
    assert "NUL" in waiting.error


def test_only_a_plain_success_of_a_call_is_held(
    make_run: MakeRun, make_job: Callable[..., Job]
) -> None:
    job = make_job()
    at_once = [
        make_run(job=job, job_key=job.key, origin=Origin.OPERATOR, args=[1]),
        make_run("sample_jobs.leave_mark", "atomic"),
        make_run("sample_jobs.report_failure", "no success"),
        make_run("sample_jobs.talk", "has a log"),
        make_run(
            "sample_jobs.add", 1, options={"link": [{"task": "sample_jobs.add", "args": [1]}]}
        ),
    ]

    for run in at_once:
        execute_run(run)
        assert not held.is_held(), run
        assert run.state in {RunState.SUCCEEDED, RunState.FAILED}, run


def test_nothing_is_held_where_no_claim_is_expected(make_run: MakeRun) -> None:
    held.expect_claims(False)

    assert execute_run(make_run("sample_jobs.add", 1)).state == RunState.SUCCEEDED


def test_an_end_that_is_held_is_written_before_any_body_of_another_kind(
    waiting: Run, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    read = RunQuerySet.read_claimed

    def look(self: RunQuerySet, row: Any) -> Run | None:
        seen.append(state_of(waiting))
        return read(self, row)

    monkeypatch.setattr(RunQuerySet, "read_claimed", look)

    execute_run(make_run("sample_jobs.leave_mark", "later"))

    assert seen == [SUCCEEDED]
