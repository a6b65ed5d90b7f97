"""Planning, sending, executing and repairing die before every step: nothing is lost or doubled."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import chain, chord, group
from django.conf import settings
from django.db import transaction

from schedules.broker import EMPTY
from schedules.conf import options
from schedules.dispatch import end_expired, plan_due, publish, reap, take_outbox
from schedules.lease import Lease
from schedules.models import Attempt, Dependency, Instance, Job, Run
from schedules.querysets.clock import database_now
from schedules.querysets.instances import LEASE
from schedules.states import OnLost, Overlap, RunState
from tests.promises import promise_jobs as jobs
from tests.promises.books import check_occurrences, check_runs
from tests.promises.promise_jobs import effects
from tests.promises.world import (
    MINUTE,
    deliver,
    deliver_run,
    in_the_past,
    make_instance,
    make_job,
    take_message,
    work,
)

Die = Callable[..., int]

on_a_network = pytest.mark.skipif(
    "sqlite" in settings.DATABASES["default"]["ENGINE"],
    reason="a file has no connection that could be lost",
)


def minutes(begin: datetime, count: int) -> list[datetime]:
    return [begin + number * MINUTE for number in range(count)]


def states(job: Job) -> list[str]:
    return [str(s) for s in job.runs.order_by("scheduled_at").values_list("state", flat=True)]


def test_planning(die_at_every_step: Die) -> None:
    begin = in_the_past()

    def arrange() -> tuple[Job, Job, Job]:
        grace: dict[str, Any] = {"misfire_grace": timedelta(seconds=90), "coalesce": True}
        return (
            make_job("each", "promise_jobs.effect", "each", begin=begin),
            make_job("late", "promise_jobs.effect", "late", begin=begin, occurrences=5, **grace),
            make_job("once", "promise_jobs.effect", "once", begin=begin, one_off=True),
        )

    def check(made: tuple[Job, Job, Job]) -> None:
        each, late, once = made
        check_runs()
        check_occurrences(each, minutes(begin, 3))
        check_occurrences(late, minutes(begin, 5))
        check_occurrences(once, [begin])
        assert (effects("each"), effects("once")) == (3, 1)
        # Its grace has long passed by the clock that the worker sees.
        assert set(states(late)) <= {"missed", "skipped"}

    die_at_every_step(arrange, lambda _: plan_due(now=begin + 4 * MINUTE), check)


def planned(*, begin: datetime) -> Job:
    job = make_job("three", "promise_jobs.effect", "three", begin=begin)
    plan_due(now=begin + 2 * MINUTE)
    return job


def three_ran_once(job: Job) -> None:
    check_runs()
    assert job.ledger_from is not None
    check_occurrences(job, minutes(job.ledger_from + MINUTE, 3))
    assert effects("three") == 3
    assert Attempt.objects.filter(outcome=RunState.SUCCEEDED).count() == 3


def test_publishing(die_at_every_step: Die) -> None:
    begin = in_the_past()

    die_at_every_step(
        lambda: planned(begin=begin), lambda _: publish(list(Run.objects.all())), three_ran_once
    )


def test_sending_what_the_outbox_holds(die_at_every_step: Die) -> None:
    begin = in_the_past()

    def send(_: Job) -> None:
        now = database_now()
        publish(take_outbox(now=now, limit=2, backlog=EMPTY))
        publish(take_outbox(now=now, limit=2, backlog=EMPTY))

    die_at_every_step(lambda: planned(begin=begin), send, three_ran_once)


def test_a_whole_life_from_the_timetable_to_the_outcome(die_at_every_step: Die) -> None:
    begin = in_the_past()

    def arrange() -> Job:
        return make_job("three", "promise_jobs.effect", "three", begin=begin)

    def live(_: Job) -> None:
        publish(plan_due(now=begin))
        work()

    die_at_every_step(arrange, live, three_ran_once)


def call(task: Any, *args: Any) -> Run:
    """Call the task and take its message away; the run waits as sent."""
    result = task.delay(*args)
    assert take_message() is not None
    return Run.objects.get(task_id=result.id)


@pytest.mark.parametrize(
    ("task", "committed"),
    [
        (jobs.effect, 1),
        (jobs.batches, 1),
        (jobs.succeed_at_second_try, 1),
        (jobs.ask_for_retry, 1),
        (jobs.fail, 0),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_claim_body_and_end(die_at_every_step: Die, task: Any, committed: int) -> None:
    def check(run: Run) -> None:
        check_runs()
        run.refresh_from_db()
        assert run.state == ("succeeded" if committed else "failed")
        assert effects("x") == committed

    die_at_every_step(lambda: call(task, "x"), deliver_run, check)


@on_a_network
@pytest.mark.parametrize("fault", ["severed", "unanswered"])
@pytest.mark.parametrize("task", [jobs.effect, jobs.batches], ids=lambda task: task.name)
def test_an_attempt_that_loses_its_connections(
    die_at_every_step: Die, task: Any, fault: str
) -> None:
    def check(run: Run) -> None:
        check_runs()
        run.refresh_from_db()
        assert (run.state, effects("x")) == (RunState.SUCCEEDED, 1)

    die_at_every_step(lambda: call(task, "x"), deliver_run, check, fault=fault)


@on_a_network
@pytest.mark.parametrize("fault", ["severed", "unanswered"])
def test_planning_and_publishing_that_lose_their_connections(
    die_at_every_step: Die, fault: str
) -> None:
    begin = in_the_past()

    def arrange() -> Job:
        return make_job("three", "promise_jobs.effect", "three", begin=begin)

    def tick(_: Job) -> None:
        publish(plan_due(now=begin + 2 * MINUTE))

    die_at_every_step(arrange, tick, three_ran_once, fault=fault)


def test_what_may_not_run_twice_does_not(die_at_every_step: Die, tmp_path: Path) -> None:
    file = tmp_path / "outside"

    def arrange() -> Run:
        file.write_bytes(b"")
        return call(jobs.outside, str(file))

    def check(run: Run) -> None:
        check_runs()
        run.refresh_from_db()
        done = len(file.read_bytes())
        assert (run.state, done) in {("succeeded", 1), ("lost", 1), ("lost", 0)}
        assert run.attempt == 1

    die_at_every_step(arrange, deliver_run, check, each=True)


def test_what_may_run_again_runs_until_it_has_succeeded(
    die_at_every_step: Die, tmp_path: Path
) -> None:
    file = tmp_path / "outside"

    def arrange() -> Run:
        file.write_bytes(b"")
        return call(jobs.outside_again, str(file))

    def check(run: Run) -> None:
        check_runs()
        run.refresh_from_db()
        assert run.state == "succeeded"
        assert len(file.read_bytes()) in {1, run.attempt}

    die_at_every_step(arrange, deliver_run, check, each=True)


@pytest.mark.parametrize("overlap", [Overlap.SKIP, Overlap.QUEUE_ONE, Overlap.QUEUE_ALL])
def test_giving_way_to_a_run_whose_worker_dies_too(die_at_every_step: Die, overlap: str) -> None:
    begin = in_the_past()

    def arrange() -> tuple[Job, Run]:
        job = make_job("slot", "promise_jobs.effect", "slot", begin=begin, overlap=overlap)
        first, second, _ = plan_due(now=begin + 2 * MINUTE)
        owner = make_instance().id
        assert Run.objects.claim(first.task_id, task=first.task, instance_id=owner, pid=1)
        return job, Run.objects.get(task_id=second.task_id)

    def check(made: tuple[Job, Run]) -> None:
        check_runs()
        check_occurrences(made[0], minutes(begin, 3))
        assert effects("slot") == states(made[0]).count("succeeded")
        if overlap == Overlap.QUEUE_ALL:
            assert states(made[0]) == ["succeeded"] * 3

    die_at_every_step(arrange, lambda made: deliver_run(made[1]), check)


def test_the_end_after_which_another_job_runs(die_at_every_step: Die) -> None:
    begin = in_the_past()

    def arrange() -> Run:
        before = make_job("before", "promise_jobs.effect", "before", begin=begin, occurrences=1)
        after = make_job("after", "promise_jobs.effect", "after", begin=begin, occurrences=1)
        Job.objects.filter(pk=after.pk).update(next_run_at=None, next_due_at=None)
        Dependency.objects.create(job=after, upstream=before, since=begin)
        (run,) = plan_due(now=begin)
        return Run.objects.get(task_id=run.task_id)

    def check(run: Run) -> None:
        check_runs()
        following = Run.objects.get(job_key="after")
        assert (following.state, following.parent_id) == ("succeeded", run.task_id)
        assert (effects("before"), effects("after")) == (1, 1)

    die_at_every_step(arrange, deliver_run, check)


def in_one_transaction(canvas: Any) -> None:
    with transaction.atomic():
        canvas.apply_async()


def work_once(_: object) -> None:
    deliver(take_message())


CANVASES: dict[str, tuple[Callable[[], Any], dict[str, int]]] = {
    "chain": (
        lambda: chain(jobs.effect.si("first"), jobs.effect.si("second"), jobs.effect.si("third")),
        {"first": 1, "second": 1, "third": 1},
    ),
    "link": (
        lambda: jobs.effect.si("first").set(
            link=[jobs.effect.si("linked"), jobs.effect.si("linked too")],
            link_error=jobs.effect.si("never"),
        ),
        {"first": 1, "linked": 1, "linked too": 1, "never": 0},
    ),
    "link_error": (
        lambda: jobs.fail.si("first").set(link_error=jobs.effect.si("after failure")),
        {"first": 0, "after failure": 1},
    ),
}


@pytest.mark.parametrize("canvas", CANVASES)
def test_the_end_from_which_others_follow(die_at_every_step: Die, canvas: str) -> None:
    make, expected = CANVASES[canvas]

    def check(_: None) -> None:
        check_runs()
        assert {name: effects(name) for name in expected} == expected

    die_at_every_step(lambda: in_one_transaction(make()), work_once, check)


def test_the_last_part_of_a_chord(die_at_every_step: Die) -> None:
    def arrange() -> None:
        in_one_transaction(chord([jobs.number.s(1), jobs.number.s(2)], jobs.total.s()))
        work_once(None)

    def check(_: None) -> None:
        check_runs()
        assert (Run.objects.count(), effects("total 3")) == (3, 1)

    die_at_every_step(arrange, work_once, check)


def test_calling_a_canvas_in_one_transaction(die_at_every_step: Die) -> None:
    def call_all(_: None) -> None:
        in_one_transaction(
            group(
                chord([jobs.number.s(1), jobs.number.s(2)], jobs.total.s()),
                chain(jobs.effect.si("first"), jobs.effect.si("second")),
            )
        )

    def check(_: None) -> None:
        check_runs()
        did = [effects(name) for name in ("total 3", "first", "second")]
        assert did in ([0, 0, 0], [1, 1, 1])

    die_at_every_step(lambda: None, call_all, check)


@pytest.mark.parametrize(
    ("on_lost", "losses"), [(OnLost.RETRY, 0), (OnLost.RETRY, 2), (OnLost.FAIL, 0)]
)
def test_taking_back_the_run_of_a_dead_worker(
    die_at_every_step: Die, on_lost: OnLost, losses: int
) -> None:
    begin = in_the_past()

    def arrange() -> Job:
        job = make_job("lost", "promise_jobs.effect", "lost", begin=begin, on_lost=on_lost)
        (run,) = plan_due(now=begin)
        owner = make_instance().id
        for number in range(1, losses + 1):
            Attempt.objects.create(
                run=Run.objects.get(), number=number, outcome=RunState.LOST, ended_at=begin
            )
        Run.objects.update(attempt=losses)
        assert Run.objects.claim(run.task_id, task=run.task, instance_id=owner, pid=1)
        return job

    def check(job: Job) -> None:
        check_runs()
        check_occurrences(job, minutes(begin, 3))
        again = on_lost == OnLost.RETRY and losses + 1 < options().most_attempts
        assert states(job) == ["succeeded" if again else "lost", "succeeded", "succeeded"]
        assert effects("lost") == states(job).count("succeeded")
        is_flagged = "lost its worker" in job.flagged_reason
        assert is_flagged == (losses + 1 == options().most_attempts)

    die_at_every_step(arrange, lambda _: reap(now=database_now() + LEASE), check)


def test_missing_what_nobody_took_in_time(die_at_every_step: Die) -> None:
    begin = in_the_past()

    def arrange() -> Job:
        job = make_job(
            "late", "promise_jobs.effect", "late", begin=begin, misfire_grace=timedelta(minutes=3)
        )
        plan_due(now=begin + MINUTE)
        return job

    def check(job: Job) -> None:
        check_runs()
        check_occurrences(job, minutes(begin, 3))
        assert states(job) == ["missed"] * 3

    die_at_every_step(arrange, lambda _: end_expired(now=database_now()), check)


def test_renewing_and_giving_back_a_lease(die_at_every_step: Die) -> None:
    def live(lease: Lease) -> None:
        lease.renew()
        lease.renew()
        lease.give_back()

    def check(lease: Lease) -> None:
        assert Instance.objects.filter(pk=lease.id).count() <= 1

    die_at_every_step(lambda: Lease("worker", "new"), live, check)  # type: ignore[arg-type]
