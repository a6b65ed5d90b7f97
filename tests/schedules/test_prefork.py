"""A worker's child between two tasks: what it holds is written when no task follows at once, and
the next one comes as soon as it is back.
"""

import operator
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from billiard import get_context
from celery import current_app
from celery.concurrency import asynpool
from django.db import connection
from kombu.asynchronous import Hub

from schedules.finish import held
from schedules.models import Run
from schedules.prefork import Child, Pool, TaskPool
from schedules.states import RunState
from schedules.testing import execute_run

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite ends each run at once"),
]

JOB: Any = (2, (1, None, None, ("sample_jobs.add", "id"), {}))
FOREIGN: Any = (2, (1, None, None, ("celery.backend_cleanup", "id"), {}))


class Between:
    """A child that has ended a run and comes back for its next task."""

    def __init__(self, run: Callable[[], Run]) -> None:
        context = get_context()
        pipes: Any = asynpool
        self.inq, self.outq = (pipes._SimpleQueue(ctx=context) for _ in range(2))
        self.child: Any = Child(self.inq, self.outq)
        self.next: Any = None
        self.child.wait_for_job = lambda: self.next
        self.child.on_loop_start(pid=os.getpid())
        self.child.wait_for_job()
        self.run = run()

    def hears(self, message: Any) -> None:
        self.next = message
        self.inq._writer.send_bytes(b"something")


@pytest.fixture
def between(make_run: Callable[..., Run]) -> Iterator[Between]:
    yield Between(lambda: execute_run(make_run("sample_jobs.add", 1)))
    held.expect_claims(False)
    held.settle_at_last()


def is_written(run: Run) -> bool:
    run.refresh_from_db()
    return run.state == RunState.SUCCEEDED


def test_workers_have_this_pool() -> None:
    assert current_app.conf.worker_pool == "schedules.prefork:TaskPool"
    assert TaskPool.Pool.Worker is Child
    assert not current_app.conf.worker_pool_putlocks, "what waits is where a child gets it at once"


def test_an_end_is_held_until_the_next_run_is_claimed(between: Between) -> None:
    between.hears(JOB)

    assert between.child.wait_for_job() == JOB
    assert held.is_held()
    assert not is_written(between.run)


def test_an_end_is_written_when_no_task_follows(between: Between) -> None:
    between.child.wait_for_job()

    assert is_written(between.run)


def test_an_end_is_written_before_a_task_that_is_none_of_ours(between: Between) -> None:
    between.hears(FOREIGN)
    between.child.wait_for_job()

    assert is_written(between.run)


def test_an_end_is_written_on_every_way_out_of_the_loop(between: Between) -> None:
    def end() -> None:
        raise SystemExit

    between.child.wait_for_job, between.child.wait_for_syn = end, None
    with pytest.raises(SystemExit):
        between.child.workloop()

    assert is_written(between.run)


def test_nothing_is_held_where_tasks_come_one_by_one(
    between: Between, make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    between.child.wait_for_job()
    clock = iter([0.0, 1.0])
    monkeypatch.setattr("schedules.prefork.monotonic", lambda: next(clock))

    between.child.wait_for_job()

    assert is_written(execute_run(make_run("sample_jobs.add", 2)))


class Main:
    """The main process of a worker with one child, as far as it hands out tasks."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.pool: Any = Pool(processes=1, threads=False)
        self.pool.register_with_event_loop(self.hub)

    def send(self, **callbacks: Any) -> Any:
        return self.pool.apply_async(operator.neg, (1,), **callbacks)

    def goes_on_until(self, fact: Callable[[], Any]) -> None:
        rounds = self.hub.create_loop()
        while not fact():
            next(rounds)

    def end(self) -> None:
        self.pool.terminate()
        self.pool.join()
        self.hub.close()


@pytest.fixture(scope="module")
def main() -> Iterator[Main]:
    main = Main()
    yield main
    main.end()


def test_the_next_task_is_handed_on_before_the_end_of_the_last_is_entered(main: Main) -> None:
    handed_on: list[bool] = []
    tasks: list[Any] = []
    enter = lambda _: handed_on.append(tasks[1]._write_to is not None)  # noqa: E731
    tasks += [main.send(callback=enter), main.send()]

    main.goes_on_until(tasks[1].ready)

    assert handed_on == [True]


def test_a_child_that_is_busy_is_handed_nothing(main: Main) -> None:
    begun: list[int] = []
    tasks = [main.send(accept_callback=lambda pid, _: begun.append(pid)) for _ in range(3)]

    main.goes_on_until(lambda: begun)

    assert sum(task._write_to is not None for task in tasks) == 1
    main.goes_on_until(lambda: all(task.ready() for task in tasks))
