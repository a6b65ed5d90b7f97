"""What a dead child leaves behind is taken back by its own worker, at the second look."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from uuid import uuid4

import pytest

from schedules.broker import FULL
from schedules.dispatch import LostChildren, take_outbox
from schedules.lease import instance_id
from schedules.models import Run
from schedules.querysets.clock import database_now
from schedules.states import RunState
from tests.schedules import sample_jobs

pytestmark = pytest.mark.django_db

MakeRun = Callable[..., Run]


@pytest.fixture
def owned(make_run: MakeRun) -> Callable[..., Run]:
    """Make a run that this worker's process of that number executes."""

    def make(pid: int, **fields: object) -> Run:
        fields = {"instance_id": instance_id(), "options": {"on_lost": "retry"}, **fields}
        return make_run(state=RunState.RUNNING, attempt=1, pid=pid, **fields)

    return make


@pytest.fixture
def dead_pid() -> int:
    child = subprocess.Popen([sys.executable, "-S", "-c", ""])
    child.wait()
    return child.pid


@pytest.fixture
def living_pid() -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE) as child:
        yield child.pid
        child.kill()


@pytest.mark.parametrize(
    ("on_lost", "state"), [("retry", RunState.RETRYING), ("fail", RunState.LOST)]
)
def test_a_run_whose_process_died_unheard_is_lost_by_its_policy(
    owned: Callable[..., Run], dead_pid: int, on_lost: str, state: RunState
) -> None:
    run = owned(dead_pid, options={"on_lost": on_lost})
    children = LostChildren()

    assert (children.take_back(), children.take_back(), children.take_back()) == (0, 1, 0)

    run.refresh_from_db()
    attempt = run.attempts.get()
    assert (run.state, attempt.outcome) == (state, RunState.LOST)
    assert attempt.error.endswith(f"its process {dead_pid} ended without a word")


def test_a_run_is_left_alone_while_its_process_lives(
    owned: Callable[..., Run], living_pid: int
) -> None:
    owned(living_pid)
    owned(os.getpid())  # a pool of threads executes in the worker's own process
    children = LostChildren()

    assert [children.take_back() for _ in range(3)] == [0, 0, 0]


def test_the_runs_of_other_workers_are_left_to_the_reaper(
    owned: Callable[..., Run], dead_pid: int
) -> None:
    owned(dead_pid, instance_id=uuid4())
    children = LostChildren()

    assert [children.take_back() for _ in range(3)] == [0, 0, 0]


def test_a_later_attempt_on_a_dead_number_gets_two_looks_of_its_own(
    owned: Callable[..., Run], dead_pid: int
) -> None:
    run = owned(dead_pid)
    children = LostChildren()
    children.take_back()
    Run.objects.filter(pk=run.pk).update(attempt=2)

    assert (children.take_back(), children.take_back()) == (0, 1)


@pytest.mark.django_db(transaction=True)
def test_what_follows_is_sent_by_the_outbox_so_that_no_fork_waits_for_the_broker(
    owned: Callable[..., Run], dead_pid: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken: list[object] = []
    publishing = import_module("schedules.dispatch.publish")
    monkeypatch.setattr(publishing, "send_all", lambda *_: spoken.append(1))
    follower = sample_jobs.call_add.si()
    owned(dead_pid, options={"on_lost": "fail", "link_error": [follower]})
    children = LostChildren()

    assert (children.take_back(), children.take_back()) == (0, 1)

    following = Run.objects.get(task=sample_jobs.call_add.name)
    assert spoken == []
    assert take_outbox(now=database_now(), limit=10, backlog=FULL) == [following]
