"""The lease: renewed, given back, and never in the middle of a write while a child is forked."""

import os
import threading
from datetime import timedelta

import pytest

from schedules import lease
from schedules.beat import Pace
from schedules.lease import Lease
from schedules.models import Instance
from schedules.states import InstanceKind, InstanceStatus


@pytest.mark.django_db
def test_a_lease_is_a_row_that_is_renewed_and_given_back() -> None:
    mine = Lease(InstanceKind.WORKER, "worker@here")
    mine.renew()
    first = Instance.objects.get(pk=mine.id)
    mine.renew()
    second = Instance.objects.get(pk=mine.id)
    mine.give_back()

    assert (first.name, first.pid, first.status) == ("worker@here", os.getpid(), "running")
    assert second.heartbeat_at > first.heartbeat_at
    assert Instance.objects.get(pk=mine.id).status == InstanceStatus.STOPPED


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_no_child_is_forked_while_the_lease_is_being_written() -> None:
    # On SQLite such a child could never write again: it inherits a lock that nobody releases in it.
    forked = threading.Event()

    def fork() -> None:
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        forked.set()

    with lease._quiet:
        thread = threading.Thread(target=fork, daemon=True)
        thread.start()
        assert not forked.wait(0.2)
    assert forked.wait(10)


@pytest.mark.django_db
def test_a_beat_says_with_its_heartbeat_how_it_ticks() -> None:
    mine, pace = Lease(InstanceKind.BEAT, "beat@here"), Pace()
    mine.renew(**pace.take())
    assert Instance.objects.get(pk=mine.id).tick_rate is None

    pace.note(0.02)
    pace.note(0.01)
    mine.renew(**pace.take())

    row = Instance.objects.get(pk=mine.id)
    assert row.tick_rate is not None
    assert row.tick_rate > 0
    assert row.longest_tick == timedelta(milliseconds=20)
    assert pace.take() == {"tick_rate": None, "longest_tick": None}
