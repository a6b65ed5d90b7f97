"""kill -9 of everything, in the middle of the work: each effect is committed exactly once."""

import os
import signal
from datetime import UTC, datetime, timedelta

import pytest
from celery import chain

from project.devstack.waiting import wait_until
from schedules.models import Attempt, Run
from tests.stack import stack_jobs as jobs
from tests.stack.facts import PATIENCE, all_ended, effects, ended, outcomes, run_of, value_of
from tests.stack.nodes import BeatNode, BrokerNode, WorkerNode
from tests.stack.system import System

pytestmark = pytest.mark.stack

NO_PROCESS = 2**22 + 1
"""Larger than any on Linux."""

LEASE_AND_MORE = timedelta(seconds=75)
"""A vanished worker's runs are taken back after its lease; then they are executed again."""


@pytest.mark.smoke
def test_a_child_killed_after_its_commit_does_not_break_the_chain(running: System) -> None:
    last = chain(jobs.commit_then_hold.si("child after"), jobs.effect.si("child after, next"))()

    os.kill(running.started("child after"), signal.SIGKILL)

    assert value_of(last) == "child after, next"
    assert (effects("child after"), effects("child after, next")) == (1, 1)
    assert (run_of(last.parent).state, run_of(last.parent).attempt) == ("succeeded", 1)


def test_a_child_killed_before_its_commit_is_replaced_by_another(running: System) -> None:
    last = chain(jobs.effect_then_hold.si("child before"), jobs.effect.si("child before, next"))()
    pid = running.started("child before")
    running.release("child before")

    os.kill(pid, signal.SIGKILL)

    assert value_of(last) == "child before, next"
    assert (effects("child before"), effects("child before, next")) == (1, 1)


def test_each_of_a_hundred_one_offs_runs_once_whatever_is_killed(
    running: System, broker: BrokerNode, beat: BeatNode, worker: WorkerNode
) -> None:
    first = datetime.now(UTC) + timedelta(seconds=1)
    results = [
        jobs.effect.apply_async(("one of many",), eta=first + timedelta(seconds=0.06) * number)
        for number in range(100)
    ]

    wait_until(lambda: succeeded(results) >= 15, what="the first runs")
    os.kill(worker.children[0], signal.SIGKILL)
    wait_until(lambda: succeeded(results) >= 30, what="runs after the child's end")
    kill_and_start(beat)
    wait_until(lambda: succeeded(results) >= 45, what="runs after Beat's end", timeout=PATIENCE)
    kill_and_start(broker)
    running.wait_for_broker()
    wait_until(lambda: succeeded(results) >= 60, what="runs after the broker's", timeout=PATIENCE)
    # Each holds one of the worker's two processes: one has committed, the other has not.
    after = chain(jobs.commit_then_hold.si("after"), jobs.effect.si("after, next"))()
    before = chain(jobs.effect_then_hold.si("before"), jobs.effect.si("before, next"))()
    running.started("after")
    running.started("before")
    running.release("before")
    worker.kill()
    worker.start_again()

    assert value_of(after) == "after, next"
    assert value_of(before, timeout=LEASE_AND_MORE) == "before, next"
    names = ("after", "after, next", "before", "before, next")
    assert [effects(name) for name in names] == [1, 1, 1, 1]
    assert (outcomes(after.parent), outcomes(before.parent)) == (
        ["succeeded"],
        ["lost", "succeeded"],
    )
    all_ended(results, timeout=LEASE_AND_MORE)
    assert (succeeded(results), effects("one of many")) == (100, 100)
    tries = Attempt.objects.filter(run__task_id__in=[result.id for result in results])
    assert tries.filter(outcome="succeeded").count() == 100
    assert set(tries.values_list("outcome", flat=True)) <= {"succeeded", "lost"}


def test_a_task_in_flight_outlives_the_broker(
    running: System, broker: BrokerNode, worker: WorkerNode
) -> None:
    result = jobs.hold_once.delay("outlives")
    running.started("outlives")

    kill_and_start(broker)
    worker.wait_for_log("Connection to broker lost", timeout=30)
    running.wait_for_broker()
    after = jobs.add.delay(1, 1)
    running.release("outlives")

    assert value_of(result) == "outlives"
    assert value_of(after) == 2
    assert worker.container.status == "running"


def test_a_broker_that_has_lost_its_memory_loses_no_run(
    running: System, broker: BrokerNode, worker: WorkerNode
) -> None:
    worker.kill("SIGTERM")
    results = [jobs.effect.delay("forgotten") for _ in range(100)]
    sent = Run.objects.filter(task_id__in=[result.id for result in results], state="sent")
    assert sent.count() == 100

    running.server.forget()
    worker.start_again()

    all_ended(results)
    assert (succeeded(results), effects("forgotten")) == (100, 100)


def test_what_may_not_run_twice_is_lost_with_its_worker(running: System) -> None:
    result = jobs.hold_once.delay("once")

    os.kill(running.started("once"), signal.SIGKILL)

    assert ended(result).state == "lost"
    assert result.state == "FAILURE"
    assert outcomes(result) == ["lost"]


def test_a_worker_notices_by_itself_that_a_process_is_gone(running: System) -> None:
    result = jobs.hold_once.delay("gone")
    pid = running.started("gone")

    # Celery sees that process live, and so says nothing of the run.
    Run.objects.filter(task_id=result.id).update(pid=NO_PROCESS)

    assert ended(result).state == "lost"
    assert f"its process {NO_PROCESS} ended without a word" in run_of(result).error
    os.kill(pid, signal.SIGKILL)


def kill_and_start(node: BeatNode | BrokerNode | WorkerNode) -> None:
    """Kill a process with -9 and start it again."""
    node.kill()
    node.start_again()


def succeeded(results: list[object]) -> int:
    """How many of the runs have succeeded."""
    ids = [result.id for result in results]  # type: ignore[attr-defined]
    return Run.objects.filter(task_id__in=ids, state="succeeded").count()
