"""The lease: renewed, given back, and never in the middle of a write while a child is forked."""

import os
import threading

import pytest

from schedules import lease
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
