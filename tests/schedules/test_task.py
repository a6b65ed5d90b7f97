"""The claim, the body and the end of a run, through the tracer that workers use."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from celery import Task, current_app, states
from celery.app.trace import build_tracer
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_celery_results.models import TaskResult

from schedules.errors import InvalidInput, WithoutRun
from schedules.finish import Outcome, finish_waiting, lose_attempt
from schedules.lease import instance_id
from schedules.models import Attempt, AuditEntry, Calendar, Job, Run
from schedules.states import RunState
from schedules.testing import execute, execute_run
from tests.schedules import sample_jobs
from tests.sql import run_sql

pytestmark = pytest.mark.django_db(transaction=True)

MakeRun = Callable[..., Run]


def result_of(run: Run) -> TaskResult:
    return TaskResult.objects.get(task_id=str(run.task_id))


def test_a_run_ends_with_its_result_in_both_logs() -> None:
    run = execute(sample_jobs.add, 2, y=3)

    assert (run.state, run.summary, run.attempt) == (RunState.SUCCEEDED, "5", 1)
    assert (result_of(run).status, result_of(run).result) == (states.SUCCESS, "5")
    assert current_app.AsyncResult(str(run.task_id)).get(timeout=1) == 5
    attempt = Attempt.objects.get(run=run)
    assert (attempt.number, attempt.outcome, attempt.instance_id) == (1, "succeeded", instance_id())
    assert run.scheduled_at <= run.started_at <= run.finished_at  # type: ignore[operator]


def test_a_run_that_sql_has_broken_and_a_worker_has_taken_fails_in_words(
    make_run: MakeRun,
) -> None:
    broken = make_run("sample_jobs.add", 1, due_at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
    kwargs = '{"y": {"__type__": "datetime", "__value__": "soon"}}'
    run_sql("UPDATE schedules_run SET kwargs = %s WHERE id = %s", kwargs, broken.pk)

    run = execute_run(broken)

    assert (run.state, run.attempt) == (RunState.FAILED, 1)
    assert run.reason.startswith("Its row was broken: kwargs is ")
    assert result_of(run).status == states.FAILURE


@pytest.mark.parametrize(
    "call",
    [
        lambda task: task.apply((1,)),
        lambda task: task.s(1).apply(),
        lambda task: task.map([1, 2]).delay(),
        lambda task: task.starmap([(1,), (2,)]).apply_async(),
        lambda task: task.chunks([(1,), (2,)], 1).apply_async(),
        lambda task: current_app.send_task(
            "celery.starmap", kwargs={"task": dict(task.s()), "it": [[1]]}
        ),
    ],
)
def test_no_way_to_call_a_declared_task_executes_it_without_a_run(
    call: Callable[[Task[Any, Any]], object],
) -> None:
    with pytest.raises(WithoutRun, match=r"execute sample_jobs.add without a run, so it is refu"):
        call(sample_jobs.add)

    assert not Run.objects.exists()


def test_a_message_that_maps_a_declared_task_executes_nothing() -> None:
    starmap: Any = current_app.tasks["celery.starmap"]
    tracer = build_tracer("celery.starmap", starmap, app=starmap.app)
    kwargs = {"task": dict(sample_jobs.leave_mark.s()), "it": [["x"]]}

    tracer("7", [], kwargs, {"id": "7", "task": "celery.starmap", "delivery_info": {}})

    assert not Calendar.objects.exists()


def test_an_exception_rolls_an_atomic_body_back_and_fails_the_run() -> None:
    run = execute(sample_jobs.leave_mark, "x", fail=True)

    assert (run.state, run.error) == (RunState.FAILED, "ValueError: x was marked in vain")
    assert "in vain" in result_of(run).traceback
    assert not Calendar.objects.exists()


def test_an_atomic_body_commits_its_effects_with_its_success() -> None:
    run = execute(sample_jobs.leave_mark, "x")

    assert (run.state, run.summary) == (RunState.SUCCEEDED, "marked x")
    assert Calendar.objects.get().name == "x"


def test_a_reported_failure_is_a_failed_run_that_keeps_its_data() -> None:
    run = execute(sample_jobs.report_failure, "half of it is missing")

    assert (run.state, run.summary) == (RunState.FAILED, "half of it is missing")
    assert result_of(run).status == states.FAILURE
    assert '"rows": 3' in result_of(run).result


def test_a_body_may_skip_its_run() -> None:
    run = execute(sample_jobs.skip, "switched off")

    assert (run.state, run.reason) == (RunState.SKIPPED, "switched off")
    assert result_of(run).status == states.REVOKED


def test_a_retry_is_the_same_run_with_one_more_attempt() -> None:
    run = execute(sample_jobs.try_again, 1)
    assert (run.state, run.attempt, run.error) == (RunState.RETRYING, 1, "ValueError('not yet')")
    assert current_app.AsyncResult(str(run.task_id)).state == states.RETRY

    run = execute_run(run)

    assert (run.state, run.attempt, run.summary) == (RunState.SUCCEEDED, 2, "1")
    outcomes = Attempt.objects.filter(run=run).values_list("outcome", flat=True)
    assert list(outcomes) == ["retrying", "succeeded"]


def test_the_worker_fills_in_what_the_body_asks_for(now: datetime) -> None:
    run = execute(sample_jobs.tell_time, scheduled_at=now)

    assert run.summary == f"'{now.isoformat()} 1'"


def test_a_result_that_json_cannot_carry_fails_the_run_in_words() -> None:
    run = execute(sample_jobs.return_nonsense)

    assert run.state == RunState.FAILED
    assert run.error.startswith("EncodeError")
    assert result_of(run).status == states.FAILURE


def test_of_two_deliveries_one_gets_the_run(make_run: MakeRun) -> None:
    run = make_run("sample_jobs.leave_mark", "once")

    execute_run(run)
    again = execute_run(run)

    assert (again.state, again.attempt) == (RunState.SUCCEEDED, 1)
    assert Calendar.objects.count() == 1
    assert result_of(run).status == states.SUCCESS


def test_a_message_cannot_start_a_run_early(make_run: MakeRun) -> None:
    run = make_run("sample_jobs.add", 1, due_at=datetime(2100, 1, 1, tzinfo=UTC))

    assert execute_run(run).state == RunState.PLANNED


def test_a_run_past_its_grace_is_missed_not_started(make_run: MakeRun, now: datetime) -> None:
    run = make_run("sample_jobs.add", 1, expires_at=now + timedelta(seconds=60))

    run = execute_run(run)

    assert run.state == RunState.MISSED
    assert "2026-03-02T12:01:00Z" in run.reason


def test_a_cancelled_run_never_starts(make_run: MakeRun) -> None:
    run = make_run("sample_jobs.leave_mark", "x")
    assert finish_waiting(run, Outcome(state=RunState.CANCELLED, reason="changed my mind"))

    assert execute_run(run).state == RunState.CANCELLED
    assert not Calendar.objects.exists()


def test_the_message_of_a_cancelled_run_costs_its_claim_and_a_small_read(
    make_run: MakeRun,
) -> None:
    run = make_run("sample_jobs.leave_mark", "x")
    finish_waiting(run, Outcome(state=RunState.CANCELLED, reason="changed my mind"))

    with CaptureQueriesContext(connection) as statements:
        _deliver(run.task, str(run.task_id), [])

    asked = [each["sql"] for each in statements if "schedules_run" in each["sql"]]
    assert len(asked) == 2, asked
    assert "kwargs" not in asked[1]


def test_a_forged_message_runs_nothing_and_is_noted(make_run: MakeRun) -> None:
    ghost = Run(task="sample_jobs.leave_mark", task_id=uuid4())
    tracer_result = _deliver("sample_jobs.leave_mark", str(ghost.task_id), ["forged"])

    assert not Calendar.objects.exists()
    assert TaskResult.objects.get(task_id=str(ghost.task_id)).status == states.FAILURE
    assert "UnplannedCall" in repr(tracer_result)
    assert AuditEntry.objects.get().action == "refuse"


def test_a_message_may_not_choose_the_task_or_the_arguments(make_run: MakeRun) -> None:
    run = make_run("sample_jobs.add", 1)
    _deliver("sample_jobs.leave_mark", str(run.task_id), ["forged"])
    assert not Calendar.objects.exists()

    _deliver("sample_jobs.add", str(run.task_id), [10])
    run.refresh_from_db()
    assert run.summary == "1"


def test_a_task_that_nobody_declared_is_celery_s_own() -> None:
    task_id = str(uuid4())
    _deliver("sample.undeclared", task_id, [4])

    assert TaskResult.objects.get(task_id=task_id).result == "4"
    assert not Run.objects.exists()


def test_a_second_run_of_a_job_is_skipped_while_the_first_is_running(
    make_job: Callable[..., Job], make_run: MakeRun
) -> None:
    job = make_job()
    running = make_run("sample_jobs.add", 1, job=job)
    assert Run.objects.claim(running.task_id, task=running.task, instance_id=instance_id(), pid=1)
    second = execute_run(make_run("sample_jobs.add", 1, job=job))

    assert (second.state, second.reason) == (
        RunState.SKIPPED,
        f"overlap with run {running.task_id}",
    )


def test_an_attempt_that_was_declared_lost_cannot_end_the_run(make_run: MakeRun) -> None:
    run = make_run("sample_jobs.leave_mark", "x", options={"on_lost": "retry"})
    first = Run.objects.claim(run.task_id, task=run.task, instance_id=instance_id(), pid=1)
    assert first is not None
    assert lose_attempt(first, reason="silent") == RunState.RETRYING
    assert lose_attempt(first, reason="silent") is None

    assert execute_run(run).attempt == 2


def test_arguments_are_refused_where_the_call_is_made() -> None:
    with pytest.raises(InvalidInput, match=r"sample_jobs.add takes \(x: int, y: int = 0\)"):
        sample_jobs.add.delay()
    with pytest.raises(InvalidInput, match="x is 'seven'"):
        sample_jobs.add.delay("seven")
    assert not Run.objects.exists()


def _deliver(task: str, task_id: str, args: list[object]) -> object:
    from celery.app.trace import build_tracer

    app: Any = current_app
    tracer = build_tracer(task, app.tasks[task], app=app._get_current_object())
    return tracer(task_id, args, {}, {"id": task_id, "task": task, "delivery_info": {}})
