"""Who is alive: answers to `inspect ping`, instance rows, and two Beats that share the work."""

import socket
from datetime import timedelta
from itertools import pairwise

import pytest
from celery import current_app
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from pytest_celery import CeleryTestSetup

from project.devstack.waiting import wait_until
from schedules.models import Instance, Run
from schedules.querysets.clock import database_now
from tests.stack.nodes import BeatNode, WorkerNode
from tests.stack.system import System

pytestmark = pytest.mark.stack


def test_pytest_celery_finds_the_system_ready(
    running: System, celery_setup: CeleryTestSetup
) -> None:
    assert celery_setup.ready(ping=True, control=True, docker=True)
    celery_setup.worker.assert_log_exists("ready.")


def test_kill_and_restart_work_as_in_pytest_celery(
    running: System, celery_setup: CeleryTestSetup
) -> None:
    first = celery_setup.worker.pid

    celery_setup.worker.kill()
    assert celery_setup.worker.container.status == "exited"
    celery_setup.worker.restart()

    assert celery_setup.worker.pid != first
    assert celery_setup.ready(ping=True)


@pytest.mark.smoke
def test_beat_and_worker_answer_and_have_their_rows(
    running: System, beat: BeatNode, worker: WorkerNode
) -> None:
    host = socket.gethostname()
    asked = [f"beat@{host}", f"worker@{host}"]

    answers = current_app.control.inspect(asked, timeout=5, limit=2).ping()

    assert answers == {name: {"ok": "pong"} for name in asked}
    alive = Instance.objects.alive(database_now())
    assert {(one.kind, one.pid) for one in alive} >= {("beat", beat.pid), ("worker", worker.pid)}
    said = running.run("-m", "celery", "-A", "project", "inspect", "ping", "-d", asked[0])
    assert said.returncode == 0, said.stdout + said.stderr


def test_two_beats_run_each_occurrence_once(running: System, beat: BeatNode) -> None:
    second = running.start_beat("beat2")
    second.ready()
    interval, _ = IntervalSchedule.objects.get_or_create(every=1, period="seconds")
    task = PeriodicTask.objects.create(
        name="shared", task="stack_jobs.witness", interval=interval, args='["shared", "x"]'
    )

    wait_until(lambda: len(running.lines("shared")) >= 6, what="six", timeout=timedelta(seconds=30))
    task.delete()
    runs = Run.objects.filter(job_key="shared")
    wait_until(lambda: not runs.unfinished().exists(), what="the end of all runs")
    second.kill("SIGTERM")

    assert Instance.objects.get(pid=second.pid, kind="beat").status == "stopped"
    instants = list(runs.filter(state="succeeded").values_list("scheduled_at", flat=True))
    assert len(instants) == len(set(instants)) == len(running.lines("shared"))
    ordered = sorted(runs.values_list("scheduled_at", flat=True))
    steps = {later - earlier for earlier, later in pairwise(ordered)}
    assert steps == {timedelta(seconds=1)}, "no occurrence is missing"
