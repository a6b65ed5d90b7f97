"""Beat's own loop."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from celery.fixups import django as fixup
from django.db import connection
from django.db.backends.signals import connection_created

from schedules.beat import LONG_BURST, Chores, Scheduler
from schedules.broker import EMPTY
from schedules.dispatch import look_ahead
from schedules.dispatch.publisher import MOST_HELD, Publisher
from schedules.lease import Lease
from schedules.models import Instance, Job, Run
from schedules.operations.install import install_declared
from schedules.querysets.clock import database_now
from schedules.querysets.instances import LEASE
from schedules.states import InstanceKind
from schedules.timing import Every


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


def starting_beat() -> Scheduler:
    """Return a Beat before its first tick, whose publisher never gets anything out."""
    beat = Scheduler(app=current_app, lazy=True)
    beat._publisher, beat._chores = Publisher(), Chores()
    return beat


@pytest.mark.django_db
def test_what_is_due_goes_out_before_a_start_plans_its_own_runs(
    make_job: Callable[..., Job],
) -> None:
    now = database_now()
    install_declared(now=now)
    Job.objects.all().update(next_run_at=now + timedelta(days=1), next_due_at=None)
    make_job("due_now", due=now, timetable=Every(timedelta(days=1)))

    starting_beat()._tick()

    planned = Run.objects.order_by("pk").values_list("job__key", flat=True)
    assert list(planned) == ["due_now", "recover_meetings"]


@pytest.mark.django_db
def test_a_broker_that_takes_nothing_holds_up_no_tick(make_job: Callable[..., Job]) -> None:
    make_job(due=database_now())
    beat = starting_beat()
    begun = time.monotonic()

    assert beat._tick() <= 1

    assert time.monotonic() - begun < 5
    assert beat._publisher is not None
    assert len(beat._publisher._waiting) == 1  # kept, and the outbox knows it too


@pytest.mark.django_db
def test_what_the_publisher_has_no_room_for_is_written_as_never_sent_and_goes_out_once_it_has(
    make_job: Callable[..., Job], make_run: Callable[..., Run]
) -> None:
    job, parked, beat = make_job(due=database_now()), make_run(), starting_beat()
    publisher = beat._publisher
    assert publisher is not None
    publisher.backlog = EMPTY
    publisher.hand_over([parked] * (MOST_HELD + 1))

    beat._tick()

    assert len(publisher._waiting) == MOST_HELD + 1
    assert list(Run.objects.values_list("sends", "sent_at")) == [(0, None), (0, None)]
    assert Run.objects.ready_to_send(database_now()).filter(job=job).exists()

    publisher._waiting.clear()
    beat._tick()

    assert {run.task_id for run in publisher._waiting} == set(
        Run.objects.filter(sends=1).values_list("task_id", flat=True)
    )
    assert len(publisher._waiting) == 2


@pytest.mark.django_db
def test_while_a_burst_lasts_more_jobs_are_planned_at_once(
    make_job: Callable[..., Job], settings: Any
) -> None:
    settings.SCHEDULES = {**settings.SCHEDULES, "plan_batch": 1}
    beat, due = starting_beat(), database_now()
    for number in range(10 * LONG_BURST + 7):
        make_job(f"due {number}", due=due, timetable=Every(timedelta(days=1)))

    planned, at_once = Run.objects.filter(job__key__startswith="due"), []
    while planned.count() < 10 * LONG_BURST + 7:
        before = planned.count()
        beat._tick()
        beat._publisher._waiting.clear()  # type: ignore[union-attr]
        at_once.append(planned.count() - before)

    grown = [times for times in (1, 2, 3, 4) for _ in range(LONG_BURST)]
    assert at_once == [*grown, 4, 3]
    make_job("alone", due=due, timetable=Every(timedelta(days=1)))
    make_job("and another", due=due, timetable=Every(timedelta(days=1)))
    beat._tick()
    assert Run.objects.filter(job__key__in=["alone", "and another"]).count() == 1, "another burst"


@pytest.mark.django_db(transaction=True)
def test_ticks_share_a_connection() -> None:
    beat = starting_beat()
    beat.tick()
    opened: list[object] = []

    def note(**_: object) -> None:
        opened.append(1)

    connection_created.connect(note)

    try:
        for _ in range(3):
            beat.tick()
    finally:
        connection_created.disconnect(note)

    assert opened == []


@pytest.mark.django_db
def test_whoever_renewed_while_beat_was_held_up_is_taken_neither_for_dead_nor_for_ahead() -> None:
    beat, worker = Scheduler(app=current_app, lazy=True), Lease(InstanceKind.WORKER, "worker")
    beat._connected_at = time.monotonic() - 2 * LEASE.total_seconds()
    seen = look_ahead()._replace(now=database_now() - 2 * LEASE)
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
