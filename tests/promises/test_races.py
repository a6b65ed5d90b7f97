"""Two connections at once, many times: whoever wins, the rows and the answers agree."""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from threading import Barrier, Event, Thread
from typing import Any

import pytest
from django.db import connection, transaction
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from project.devstack.waiting import wait_until
from schedules.adapters.schedule_rows import remove_unused, schedule_with
from schedules.dispatch import Call, cancel_parked, park, plan_due
from schedules.models import Job, Run
from schedules.operations.cancel import ALREADY_STARTED, CANCELLED, cancel_run
from schedules.operations.start import plan_start_runs
from schedules.operations.switch import delete_job, disable_job, pause_job
from schedules.querysets.clock import database_now
from schedules.querysets.planning import PlannedRun
from schedules.registry import declared_as
from schedules.states import WAITING, RunState
from tests.promises import promise_jobs  # noqa: F401 - declares the tasks
from tests.promises.world import at_once, in_the_past, make_instance, make_job

pytestmark = pytest.mark.django_db(transaction=True)

HEAD_START = 0.004
"""Seconds that one of the two waits at most, so that each of them wins now and then."""


@pytest.mark.timeout(3000)
def test_a_run_is_either_cancelled_or_started(races: int) -> None:
    now, worker = database_now(), make_instance().id
    runs = Run.objects.bulk_create(
        Run(
            origin="call",
            task="promise_jobs.effect",
            args=["x"],
            scheduled_at=now,
            due_at=now,
            publish_at=now,
        )
        for _ in range(races)
    )
    line = Barrier(2, timeout=60)
    claimed: list[bool] = []
    answers: list[str] = []

    def claim_each() -> None:
        chance, never = random.Random(1), Event()  # noqa: S311 - reproducible
        for run in runs:
            line.wait()
            never.wait(chance.uniform(0, HEAD_START))
            got = Run.objects.claim(run.task_id, task=run.task, instance_id=worker, pid=1)
            claimed.append(got is not None)

    def cancel_each() -> None:
        for run in runs:
            line.wait()
            found = Run.objects.get(pk=run.pk)
            answers.append(cancel_run(found, by="ada", source="cli", now=now))

    at_once(claim_each, cancel_each)

    told = Counter(zip(claimed, answers, strict=True))
    assert told.keys() == {(True, ALREADY_STARTED), (False, CANCELLED)}, told
    states = Counter(Run.objects.values_list("state", flat=True))
    assert states == {
        RunState.RUNNING: told[True, ALREADY_STARTED],
        RunState.CANCELLED: told[False, CANCELLED],
    }


@pytest.mark.parametrize("stop", [disable_job, pause_job, delete_job])
def test_nothing_starts_after_a_job_was_stopped(stop: Callable[..., Job]) -> None:
    begin, worker = in_the_past(), make_instance().id
    job = make_job("stop", "promise_jobs.effect", "x", begin=begin, occurrences=60)
    Job.objects.update(max_instances=10)
    runs = plan_due(now=database_now())
    begun, stopped = Event(), Event()
    after: list[bool] = []

    def claim_all() -> None:
        for run in runs:
            is_stopped = stopped.is_set()
            got = Run.objects.claim(run.task_id, task=run.task, instance_id=worker, pid=1)
            if got is not None:
                # Its slot is free again.
                Run.objects.filter(pk=got.pk).update(state=RunState.SUCCEEDED, finished_at=begin)
            begun.set()
            if is_stopped:
                after.append(got is not None)

    def stop_it() -> None:
        begun.wait(10)
        stop(job, by="ada", source="cli", now=database_now())
        stopped.set()

    at_once(claim_all, stop_it)

    assert stopped.is_set()
    assert not any(after)
    assert not Run.objects.filter(job=job, state__in=WAITING).exists()


def test_several_beats_plan_each_occurrence_once() -> None:
    begin = in_the_past()
    jobs = [
        make_job(f"j{number}", "promise_jobs.effect", "x", begin=begin, occurrences=20)
        for number in range(10)
    ]
    planned: list[PlannedRun] = []

    def plan_all(order: Iterable[int]) -> Callable[[], None]:
        def plan() -> None:
            for minutes in order:
                now = begin + minutes * (database_now() - begin) / 20
                planned.extend(plan_due(now=now))

        return plan

    at_once(plan_all(range(21)), plan_all(range(21)), plan_all([20]))

    due = Counter((run.job_id, run.scheduled_at) for run in planned)
    assert len(due) == 200
    assert set(due.values()) == {1}
    assert Run.objects.filter(job__in=jobs).count() == 200


def _somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.parametrize("mark", ["mark_sent", "mark_unsent"])
def test_a_run_that_a_transaction_holds_keeps_no_other_from_its_mark(mark: str) -> None:
    now = database_now()
    held, other = (_call(now, state=RunState.SENT, sends=1) for _ in range(2))
    news: list[int] = []

    def mark_both() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '5s'")
        news.append(getattr(Run.objects, mark)([held.task_id, other.task_id]))

    with transaction.atomic():
        Run.objects.select_for_update(no_key=True).get(pk=held.pk)
        at_once(mark_both)

    assert news == [1]
    held.refresh_from_db()
    assert (held.state, held.sent_at, held.sends) == (RunState.SENT, None, 1)


def test_who_parks_one_subject_at_once_moves_each_others_run(races: int) -> None:
    line = Barrier(2, timeout=60)
    at = database_now() + timedelta(hours=1)

    def park_each(by: int) -> Callable[[], None]:
        def park_them() -> None:
            for number in range(races):
                line.wait()
                call = Call(key=f"subject {number}", at=at + by * timedelta(minutes=1), args=("x",))
                done = park(declared_as("promise_jobs.effect"), [call])
                assert done.created + done.moved == 1

        return park_them

    at_once(park_each(1), park_each(2))

    assert Run.objects.filter(state=RunState.PLANNED).count() == Run.objects.count() == races


def test_who_parks_and_cancels_many_subjects_at_once_is_in_nobodys_way() -> None:
    at = database_now() + timedelta(hours=1)
    keys = [f"subject {number}" for number in range(300)]

    def park_and_cancel(seed: int) -> Callable[[], None]:
        def by_turns() -> None:
            chance = random.Random(seed)  # noqa: S311 - reproducible
            for turn in range(8):
                mine = chance.sample(keys, 200)
                if turn % 3 == 2:
                    cancel_parked(mine, reason="no longer")
                    continue
                soon = at + chance.randrange(1000) * timedelta(seconds=1)
                calls = [Call(key=key, at=soon, args=("x",)) for key in mine]
                park(declared_as("promise_jobs.effect"), calls)

        return by_turns

    at_once(*map(park_and_cancel, range(3)))

    waiting = Counter(Run.objects.waiting().values_list("natural_key", flat=True))
    assert set(waiting.values()) == {1}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.parametrize("others", [0, 50])
def test_a_cancellation_that_meets_a_move_ends_what_was_moved(others: int) -> None:
    at = database_now() + timedelta(hours=1)
    effect = declared_as("promise_jobs.effect")
    keys = [f"subject {number}" for number in range(others + 1)]
    park(effect, [Call(key=key, at=at, args=("x",)) for key in keys])
    cancelled: list[int] = []

    def cancel_all() -> None:
        try:
            cancelled.append(cancel_parked(keys, reason="no longer"))
        finally:
            connection.close()

    cancelling = Thread(target=cancel_all)
    with transaction.atomic():
        park(effect, [Call(key=keys[0], at=at + timedelta(hours=1), args=("y",))])
        cancelling.start()
        wait_until(_somebody_waits_for_a_lock, what="the cancellation to meet the move")
    cancelling.join()

    assert cancelled == [len(keys)]
    assert not Run.objects.waiting().exists()


def _call(now: datetime, **fields: Any) -> Run:
    return Run.objects.create(
        origin="call",
        task="promise_jobs.effect",
        args=["x"],
        scheduled_at=now,
        due_at=now,
        publish_at=now,
        **fields,
    )


def test_beats_that_start_at_once_plan_one_run_between_them() -> None:
    make_job("recover_meetings", "meetings.recover_meetings", begin=in_the_past())
    line = Barrier(3, timeout=60)

    def start() -> None:
        line.wait()
        plan_start_runs(now=database_now())

    for _ in range(10):
        Run.objects.all().delete()
        at_once(start, start, start)
        assert [run.natural_key for run in Run.objects.all()] == ["start:recover_meetings"]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_a_schedule_row_that_an_edit_has_picked_is_not_removed_under_it() -> None:
    hour = {"hour": "3", "minute": "33"}
    picked = schedule_with(CrontabSchedule, **hour)

    with transaction.atomic():
        again = schedule_with(CrontabSchedule, **hour)
        at_once(transaction.atomic(lambda: remove_unused(CrontabSchedule)))
        PeriodicTask.objects.create(name="edited", task="x", crontab=again)

    assert PeriodicTask.objects.get(name="edited").crontab == picked
