"""An exclusive body is ended by its own worker before its lease is over for others."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest

from schedules import guard
from schedules.finish import options_of
from schedules.lease import Lease
from schedules.models import Job, Run
from schedules.querysets.instances import LEASE
from schedules.registry import find
from schedules.states import InstanceKind
from tests.schedules import sample_jobs  # noqa: F401 - declares the tasks

WORKER = """
import os, signal, sys
from datetime import timedelta
from threading import Event
import django
django.setup()
from schedules import guard, lease
from schedules.states import InstanceKind

mine = lease.Lease(InstanceKind.WORKER, "w")
lease.adopt(mine)
guard.STOPS_AFTER, guard.LOOKS_EVERY = timedelta(seconds=1), timedelta(seconds=0.1)

def renew():
    begun = lease.clock_gettime(lease.CLOCK_BOOTTIME)
    lease._INSTANT.pack_into(mine._renewed, 0, begun)

renew()
child = os.fork()
if child == 0:
    with guard.exclusively():
        Event().wait(float(sys.argv[2]))
    os._exit(0)
if sys.argv[1] == "renewed":
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        renew()
        Event().wait(0.1)
    sys.exit(0)
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status) == -signal.SIGKILL and 9)
"""


def work(how: str, seconds: float) -> int:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "project.settings"}
    command = [sys.executable, "-c", WORKER, how, str(seconds)]
    return subprocess.run(command, env=environment, check=False, timeout=60).returncode


def test_a_child_whose_parent_cannot_renew_is_killed() -> None:
    assert work("silent", 30) == signal.SIGKILL


def test_a_child_whose_parent_renews_finishes() -> None:
    assert work("renewed", 2.5) == 0


def test_it_ends_well_before_others_may_begin() -> None:
    assert guard.STOPS_AFTER + 3 * guard.LOOKS_EVERY < LEASE


def test_where_nobody_renews_nothing_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "present_lease", lambda: Lease(InstanceKind.WORKER, "shell"))
    with guard.exclusively():
        pass


@pytest.mark.django_db
def test_a_run_knows_from_its_job_or_its_declaration_that_it_is_exclusive(
    make_job: Callable[..., Job], make_run: Callable[..., Run]
) -> None:
    job = make_job(exclusive=True, time_limit=timedelta(seconds=9))
    assert options_of(job) == {"exclusive": True, "time_limit": 9.0, "soft_time_limit": 9.0}
    declaration = find("sample_jobs.add")
    assert declaration is not None
    assert declaration.call_options == {"on_lost": "fail"}
