"""Stopping a worker: warm, it finishes what it has begun; cold, it gives it back."""

import signal
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from project.devstack.waiting import wait_until
from schedules.models import Instance
from schedules.querysets.instances import LEASE
from tests.stack import stack_jobs as jobs
from tests.stack.facts import ended, outcomes, run_of, value_of
from tests.stack.nodes import WorkerNode
from tests.stack.system import System

pytestmark = pytest.mark.stack

SOON = timedelta(seconds=15)
"""Sooner than the lease of a worker that only vanished."""


@pytest.mark.smoke
def test_a_warm_shutdown_lets_the_task_in_flight_succeed(
    running: System, worker: WorkerNode
) -> None:
    result = jobs.hold.delay("warm")
    running.started("warm")

    worker.container.running.send_signal(signal.SIGTERM)
    worker.wait_for_log("Warm shutdown", timeout=30)
    queued = jobs.effect.delay("queued behind the shutdown")
    running.release("warm")

    assert worker.container.wait() == 0
    assert (run_of(result).state, outcomes(result)) == ("succeeded", ["succeeded"])
    assert Instance.objects.get(pid=worker.pid, kind="worker").status == "stopped"
    worker.start_again()
    assert value_of(queued) == "queued behind the shutdown"


def test_a_cold_shutdown_gives_the_task_in_flight_back(running: System, worker: WorkerNode) -> None:
    # A Beat that has not seen the database for a whole lease takes nobody's runs back.
    beats = Instance.objects.filter(kind="beat", started_at__lt=Now() - 1.1 * LEASE)
    wait_until(beats.exists, what="a Beat that is older than a lease", timeout=2 * LEASE)
    result = jobs.hold.delay("cold")
    running.started("cold")

    worker.container.running.send_signal(signal.SIGQUIT)
    worker.container.wait()
    wait_until(lambda: run_of(result).state != "running", what="the run's return", timeout=SOON)
    running.release("cold")
    worker.start_again()

    assert ended(result).state == "succeeded"
    assert value_of(result) == "cold"
    assert outcomes(result) == ["lost", "succeeded"]


def test_a_cold_shutdown_waits_softly_for_a_task_that_is_nearly_done(
    running: System, worker: WorkerNode
) -> None:
    result = jobs.hold_once.delay("soft")
    running.started("soft")

    worker.container.running.send_signal(signal.SIGQUIT)
    worker.wait_for_log("Soft Shutdown", timeout=30)
    running.release("soft")
    worker.container.wait()

    assert ended(result).state == "succeeded"
    assert outcomes(result) == ["succeeded"]
    worker.start_again()
