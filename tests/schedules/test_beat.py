"""Beat's own loop."""

import time
from dataclasses import replace
from typing import Any

import pytest
from celery import current_app
from celery.fixups import django as fixup
from django.db import connection

from schedules.beat import Scheduler
from schedules.dispatch import look_ahead
from schedules.lease import Lease
from schedules.models import Instance
from schedules.querysets.clock import database_now
from schedules.querysets.instances import LEASE
from schedules.states import InstanceKind


def test_a_beat_that_was_told_to_end_ends_with_its_next_tick() -> None:
    scheduler = Scheduler(app=current_app, lazy=True)
    scheduler.close()  # what Celery's signal handler calls before it raises

    with pytest.raises(SystemExit):
        scheduler.tick()


def test_beats_and_workers_do_not_make_checks_that_import_the_web_side(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def import_all(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("django.core.checks.run_checks", import_all)

    worker: Any = fixup.DjangoFixup(current_app).worker_fixup
    worker.validate_models()  # as Celery does before it imports the tasks


@pytest.mark.django_db
def test_whoever_renewed_while_beat_was_held_up_is_taken_neither_for_dead_nor_for_ahead() -> None:
    beat, worker = Scheduler(app=current_app, lazy=True), Lease(InstanceKind.WORKER, "worker")
    beat._connected_at = time.monotonic() - 2 * LEASE.total_seconds()
    seen = replace(look_ahead(), now=database_now() - 2 * LEASE)
    worker.renew()
    renewed = Instance.objects.get(pk=worker.id).heartbeat_at

    beat._repair(seen)

    assert Instance.objects.get(pk=worker.id).heartbeat_at == renewed


@pytest.mark.skipif(connection.vendor == "sqlite", reason="nothing lies between Beat and SQLite")
@pytest.mark.django_db(transaction=True)
def test_after_a_connection_that_broke_workers_have_a_lease_to_be_heard_again() -> None:
    beat = Scheduler(app=current_app, lazy=True)
    beat._connected_at = long_ago = time.monotonic() - 2 * LEASE.total_seconds()
    beat._look_ahead()
    assert beat._connected_at == long_ago

    connection.ensure_connection()
    connection.connection.close()
    beat._look_ahead()

    assert beat._connected_at > long_ago + LEASE.total_seconds()
