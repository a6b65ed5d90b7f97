"""The lease: renewed, given back, and never in the middle of a write while a child is forked."""

import os
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

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


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one kind of commit")
@pytest.mark.django_db(transaction=True)
def test_a_renewal_does_not_wait_for_the_disk_and_a_first_one_does() -> None:
    mine = Lease(InstanceKind.BEAT, "beat@here")
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO on")
    try:
        with CaptureQueriesContext(connection) as first:
            mine.renew()
        with CaptureQueriesContext(connection) as second:
            mine.renew()
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            assert cursor.fetchone() == ("on",)
    finally:
        connection.close()

    verbs = [query["sql"].split()[0] for query in second]
    assert verbs == ["SELECT", "BEGIN", "SET", "UPDATE", "COMMIT"]
    assert first[-1]["sql"].startswith("INSERT")


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
