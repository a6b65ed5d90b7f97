"""A clock that is wrong, or is put right in the middle of the work, doubles and loses nothing."""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.conf import settings

from schedules.dispatch import end_expired, plan_due, publish, reap, take_outbox
from schedules.ledger import verify_job
from schedules.models import Attempt, Instance, Job, Run
from schedules.querysets.clock import database_now
from schedules.querysets.instances import LEASE
from schedules.querysets.planning import PlannedRun
from schedules.states import InstanceKind, InstanceStatus, RunState
from schedules.timing import Every
from tests.promises import promise_jobs
from tests.promises.books import check_runs
from tests.promises.promise_jobs import effects
from tests.promises.world import (
    MINUTE,
    beat,
    empty,
    in_the_past,
    make_job,
    messages_in_queue,
    waiting_messages,
    work,
)

pytestmark = pytest.mark.django_db(transaction=True)

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
ON_POSTGRESQL = "postgresql" in settings.DATABASES["default"]["ENGINE"]


@pytest.fixture(autouse=True)
def _empty(broker_url: str) -> None:
    empty()


@pytest.mark.skipif(not ON_POSTGRESQL, reason="on SQLite the host's clock is the database's")
@pytest.mark.parametrize("wrong_by", [HOUR, -HOUR], ids=["fast", "slow"])
def test_a_wrong_host_clock_changes_nothing(wrong_by: timedelta) -> None:
    begin = database_now().replace(microsecond=0) - 5 * SECOND
    timetable = Every(HOUR, anchor=begin)
    fields = {"timetable": timetable, "misfire_grace": MINUTE}
    job = make_job("now", "promise_jobs.effect", "now", begin=begin, **fields)  # type: ignore[arg-type]

    with time_machine.travel(datetime.now(begin.tzinfo) + wrong_by):
        beat(database_now())
        work()
        beat(database_now())

    check_runs()
    run = Run.objects.get()
    assert (run.state, run.scheduled_at, effects("now")) == (RunState.SUCCEEDED, begin, 1)
    attempt = Attempt.objects.get()
    moments = [begin, run.sent_at, attempt.started_at, run.finished_at, database_now()]
    assert moments == sorted(moments)  # type: ignore[type-var]
    job.refresh_from_db()
    assert job.next_run_at == begin + HOUR


def planned_at(*instants: datetime) -> list[PlannedRun]:
    return [run for instant in instants for run in plan_due(now=instant)]


def test_a_clock_stepped_back_plans_no_occurrence_twice() -> None:
    begin = in_the_past() - 2 * HOUR
    job = make_job("back", "promise_jobs.effect", "back", begin=begin, timetable=Every(MINUTE))
    minutes = [begin + number * MINUTE for number in range(61)]

    first = planned_at(*minutes)
    again = planned_at(*minutes[:-1])  # the clock was put back by an hour
    later = planned_at(minutes[-1], minutes[-1] + MINUTE)

    assert [run.scheduled_at for run in first] == minutes
    assert again == []
    assert [run.scheduled_at for run in later] == [minutes[-1] + MINUTE]
    assert Run.objects.filter(job=job).count() == 62


@pytest.mark.parametrize("coalesce", [True, False])
def test_a_clock_stepped_forward_handles_each_skipped_occurrence_once(coalesce: bool) -> None:
    begin = in_the_past() - 2 * HOUR
    job = make_job(
        "forward",
        "promise_jobs.effect",
        "forward",
        begin=begin,
        timetable=Every(MINUTE),
        misfire_grace=10.5 * MINUTE,
        coalesce=coalesce,
    )

    planned_at(begin, begin + HOUR, begin + HOUR + SECOND)

    rows = Run.objects.filter(job=job).order_by("scheduled_at").values_list("state", "count")
    late = [("skipped", 10), ("sent", 1)] if coalesce else [("sent", 1)] * 11
    assert list(rows) == [("sent", 1), ("missed", 49), *late]
    Run.objects.unfinished().update(state=RunState.SUCCEEDED, publish_at=None, finished_at=begin)
    now = begin + HOUR + SECOND
    assert verify_job(Job.objects.get(), after=begin - MINUTE, until=now, now=now).balances


def test_a_worker_that_died_before_a_clock_was_put_back_is_found_one_lease_later() -> None:
    now = database_now()
    job = make_job("held", "promise_jobs.effect", "held", begin=in_the_past(), occurrences=1)
    (run,) = plan_due(now=in_the_past())
    dead, alive = (
        Instance.objects.create(
            kind=InstanceKind.WORKER,
            name=name,
            host="here",
            pid=1,
            status=InstanceStatus.RUNNING,
            started_at=now,
            heartbeat_at=now + HOUR,  # by the clock before it was put right
        )
        for name in ("dead", "alive")
    )
    assert Run.objects.claim(run.task_id, task=run.task, instance_id=dead.pk, pid=1)
    other = job.runs.create(
        origin="call",
        task=run.task,
        args=["x"],
        state=RunState.RUNNING,
        attempt=1,
        slot=2,
        scheduled_at=now,
        due_at=now,
        started_at=now,
        instance_id=alive.pk,
    )

    assert reap(now=now) == 0
    Instance.objects.filter(pk=alive.pk).update(heartbeat_at=now + LEASE)
    assert reap(now=now + LEASE + SECOND) == 1

    held = Run.objects.get(task_id=run.task_id)
    other.refresh_from_db()
    assert (held.state, other.state) == (RunState.RETRYING, RunState.RUNNING)


def test_a_backlog_is_neither_multiplied_nor_failed_while_no_worker_runs(
    request: pytest.FixtureRequest,
) -> None:
    count = 50_000 if request.config.getoption("--thorough") else 500
    begin = database_now()
    Run.objects.bulk_create(
        Run(
            origin="call", task="promise_jobs.effect", args=["queued"], scheduled_at=begin,
            due_at=begin, publish_at=begin,
        )
        for _ in range(count)
    )  # fmt: skip

    now = begin
    while now < begin + 10 * MINUTE:
        while runs := take_outbox(now=now, limit=500, backlog=waiting_messages()):
            publish(runs)
        end_expired(now=now)
        reap(now=now)
        now += 5 * SECOND

    assert messages_in_queue() == count
    assert set(Run.objects.values_list("state", "sends")) == {(RunState.SENT, 1)}


@pytest.mark.skipif(ON_POSTGRESQL, reason="there the host's clock decides nothing")
@pytest.mark.parametrize("fails", [False, True])
def test_a_run_in_which_the_clock_is_put_back_ends_no_sooner_than_it_started(
    monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    begin = in_the_past()
    make_job("back", "promise_jobs.effect", "back", begin=begin, occurrences=1)

    with time_machine.travel(database_now()) as clock:

        def put_back(_: str) -> None:
            clock.shift(-SECOND)
            if fails:
                raise ValueError("no")

        monkeypatch.setattr(promise_jobs, "leave_effect", put_back)
        beat(database_now())
        work()

    run = Run.objects.get()
    attempt = run.attempts.get()
    assert run.state == (RunState.FAILED if fails else RunState.SUCCEEDED)
    assert run.started_at == run.finished_at == attempt.started_at == attempt.ended_at
