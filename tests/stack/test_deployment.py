"""A deployment: workers of two versions side by side, and the older one drained under load."""

import signal
from datetime import timedelta

import pytest

from project.devstack.waiting import wait_until
from schedules.models import Instance, Run
from tests.stack import stack_jobs as jobs
from tests.stack.facts import all_ended, effects, ended, outcomes
from tests.stack.nodes import WorkerNode
from tests.stack.system import System

pytestmark = pytest.mark.stack

MORE_THAN_A_PAUSE = timedelta(seconds=60)
"""What the older worker refused is sent again after five seconds, perhaps to the older one."""


def test_two_versions_work_side_by_side_and_draining_the_older_loses_nothing(
    running: System, worker: WorkerNode
) -> None:
    without_our_jobs = {"DJANGO_SETTINGS_MODULE": "project.settings"}
    older = running.start_worker("older", variables=without_our_jobs)
    older.container.ready()
    in_flight = jobs.hold_once.delay("in flight")  # may not run twice
    running.started("in flight")

    results = [jobs.effect.delay("deployed") for _ in range(40)]
    refused = Run.objects.filter(task_id__in=[one.id for one in results], sends__gt=1)
    wait_until(refused.exists, what="a message that came to the older version")
    older.container.running.send_signal(signal.SIGTERM)
    code = older.container.wait()
    running.release("in flight")

    all_ended(results, timeout=MORE_THAN_A_PAUSE)
    assert (code, effects("deployed")) == (0, 40)
    assert {tuple(outcomes(one)) for one in results} == {("succeeded",)}
    assert (ended(in_flight).state, outcomes(in_flight)) == ("succeeded", ["succeeded"])
    assert Instance.objects.get(pid=older.pid, kind="worker").status == "stopped"
