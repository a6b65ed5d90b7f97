"""Jobs that run after others: planned in the end of the other one's run, under their own policy."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import transaction
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from schedules.dispatch.upcoming import ENDED
from schedules.errors import InvalidInput
from schedules.finish import Outcome, finish_attempt, finish_waiting
from schedules.lease import instance_id
from schedules.ledger import Balance, verify_job
from schedules.models import AuditEntry, Dependency, GlobalPause, Job, Run
from schedules.operations.dependencies import add_dependency, dependencies_of, remove_dependency
from schedules.operations.switch import delete_job
from schedules.querysets.clock import database_now
from schedules.states import After, Origin, Overlap, RunState
from schedules.testing import execute_run

pytestmark = pytest.mark.django_db(transaction=True)

ADA: dict[str, Any] = {"by": "ada", "source": "cli"}
MakeRun = Callable[..., Run]


@pytest.fixture
def make(make_job: Callable[..., Job]) -> Callable[..., Job]:
    """Make a job whose periodic task is enabled."""

    def make_enabled(key: str, **fields: Any) -> Job:
        crontab = CrontabSchedule.objects.create(hour="3")
        task = PeriodicTask.objects.create(name=key, task="sample_jobs.add", crontab=crontab)
        return make_job(key, periodic_task=task, due=database_now() + timedelta(days=1), **fields)

    return make_enabled


@pytest.fixture
def first(make: Callable[..., Job]) -> Job:
    return make("first")


@pytest.fixture
def second(make: Callable[..., Job], first: Job, now: datetime) -> Job:
    """A job that runs after `first` has succeeded."""
    job = make("second", args=[40], kwargs={"y": 2})
    add_dependency(job, first, on=After.SUCCEEDED, now=now, **ADA)
    return job


def end(make_run: MakeRun, job: Job, state: RunState, **fields: Any) -> Run:
    """Make a run of the job and let it end so; return it."""
    run = make_run(job=job, job_key=job.key, origin=Origin.TIMETABLE, **fields)
    taken = Run.objects.claim(run.task_id, task=run.task, instance_id=instance_id(), pid=1)
    assert taken is not None
    error = ValueError("no") if state in (RunState.FAILED, RunState.TIMED_OUT) else None
    finish_attempt(taken, Outcome(state=state, error=error))
    return run


def test_a_run_follows_in_the_same_transaction_and_stands_for_the_same_time(
    make_run: MakeRun, first: Job, second: Job, now: datetime
) -> None:
    before = end(make_run, first, RunState.SUCCEEDED)

    run = Run.objects.get(job=second)

    assert (run.origin, run.state, run.scheduled_at) == ("dependency", "planned", now)
    assert (run.parent_id, run.sends) == (before.task_id, 0)
    assert run.expires_at == run.due_at + timedelta(seconds=60)
    assert run.reason == "after first at 2026-03-02T12:00:00Z"
    assert execute_run(run).summary == "42"


def test_without_the_end_there_is_no_run(make_run: MakeRun, first: Job, second: Job) -> None:
    run = make_run(job=first)
    taken = Run.objects.claim(run.task_id, task=run.task, instance_id=instance_id(), pid=1)
    assert taken is not None

    with transaction.atomic():
        finish_attempt(taken, Outcome(state=RunState.SUCCEEDED))
        assert Run.objects.filter(job=second).count() == 1
        transaction.set_rollback(True)

    assert Run.objects.filter(job=second).count() == 0


@pytest.mark.parametrize(
    ("on", "followed"),
    [
        (After.SUCCEEDED, {RunState.SUCCEEDED}),
        (After.FAILED, {RunState.FAILED, RunState.LOST, RunState.TIMED_OUT}),
        (
            After.ENDED,
            {RunState.SUCCEEDED, RunState.FAILED, RunState.LOST, RunState.TIMED_OUT},
        ),
    ],
)
def test_only_the_outcome_that_was_asked_for_is_followed(
    make_run: MakeRun, first: Job, second: Job, now: datetime, on: After, followed: set[RunState]
) -> None:
    add_dependency(second, first, on=on, now=now, **ADA)
    ends = [RunState.SUCCEEDED, RunState.FAILED, RunState.LOST, RunState.TIMED_OUT]
    ends.append(RunState.SKIPPED)

    parents = {end(make_run, first, state, scheduled_at=now).task_id: state for state in ends[:1]}
    for number, state in enumerate(ends[1:], start=1):
        moment = now + timedelta(seconds=number)
        parents[end(make_run, first, state, scheduled_at=moment).task_id] = state
    waiting = make_run(job=first)
    finish_waiting(waiting, Outcome(state=RunState.CANCELLED, reason="changed my mind"))
    parents[waiting.task_id] = RunState.CANCELLED

    followers = Run.objects.filter(job=second).values_list("parent_id", flat=True)
    assert {parents[parent] for parent in followers if parent is not None} == followed


def test_the_job_s_own_pause_holds_and_says_so(
    make_run: MakeRun, first: Job, second: Job, now: datetime
) -> None:
    Job.objects.filter(pk=second.pk).update(paused_at=now, paused_by="ben", pause_reason="moving")

    end(make_run, first, RunState.SUCCEEDED)

    run = Run.objects.get(job=second)
    assert (run.state, run.reason) == ("skipped", "paused by ben: moving")


@pytest.mark.parametrize("change", ["disabled", "invalid", "everything paused"])
def test_what_may_not_run_leaves_a_row_that_says_why(
    make_run: MakeRun, first: Job, second: Job, now: datetime, change: str
) -> None:
    before = make_run(job=first)
    taken = Run.objects.claim(before.task_id, task=before.task, instance_id=instance_id(), pid=1)
    assert taken is not None
    if change == "everything paused":
        GlobalPause.objects.create(started_at=now, by="ben")
    elif change == "disabled":
        PeriodicTask.objects.filter(name="second").update(enabled=False)
    else:
        Job.objects.filter(pk=second.pk).update(invalid_reason="args is '{'", is_enabled=False)

    finish_attempt(taken, Outcome(state=RunState.SUCCEEDED))

    run = Run.objects.get(job=second)
    assert run.state == "skipped"
    words = {"everything paused": "everything is paused by ben", "disabled": "is disabled"}
    assert words.get(change, "is invalid: args") in run.reason


def test_a_disable_after_the_planning_still_holds(
    make_run: MakeRun, first: Job, second: Job
) -> None:
    end(make_run, first, RunState.SUCCEEDED)
    PeriodicTask.objects.filter(name="second").update(enabled=False)

    run = execute_run(Run.objects.get(job=second))

    assert (run.state, run.reason, run.attempt) == ("skipped", "its job is disabled", 0)


def test_the_job_s_own_overlap_policy_holds(make_run: MakeRun, first: Job, second: Job) -> None:
    Job.objects.filter(pk=second.pk).update(overlap=Overlap.SKIP)
    running = make_run(job=second)
    Run.objects.claim(running.task_id, task=running.task, instance_id=instance_id(), pid=1)
    end(make_run, first, RunState.SUCCEEDED)

    run = execute_run(Run.objects.get(job=second, origin=Origin.DEPENDENCY))

    assert (run.state, run.reason) == ("skipped", f"overlap with run {running.task_id}")


def test_after_what_follows_something_may_follow_again(
    make_run: MakeRun, make: Callable[..., Job], first: Job, second: Job, now: datetime
) -> None:
    third = make("third", args=[1])
    add_dependency(third, second, on=After.ENDED, now=now, **ADA)
    end(make_run, first, RunState.SUCCEEDED)

    execute_run(Run.objects.get(job=second))

    assert Run.objects.get(job=third).scheduled_at == now


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_circle_is_refused(make: Callable[..., Job], now: datetime, length: int) -> None:
    jobs = [make(f"job{number}") for number in range(length)]
    for before, after in pairwise(jobs):
        add_dependency(after, before, on=After.ENDED, now=now, **ADA)

    with pytest.raises(InvalidInput) as refusal:
        add_dependency(jobs[0], jobs[-1], on=After.FAILED, now=now, **ADA)

    assert refusal.value.field == "upstream"
    assert Dependency.objects.count() == length - 1
    chain = " after ".join(repr(job.key) for job in reversed(jobs))
    assert length == 1 or chain in refusal.value.accepted


def test_saying_it_again_changes_nothing_and_another_outcome_replaces_it(
    first: Job, second: Job, now: datetime
) -> None:
    add_dependency(second, first, on=After.SUCCEEDED, now=now, **ADA)
    assert Dependency.objects.count() == 1

    add_dependency(second, first, on=After.FAILED, now=now, **ADA)

    assert [one.on for one in dependencies_of(second)] == [After.FAILED]
    entries = AuditEntry.objects.filter(action="depend").order_by("id")
    assert [entry.after for entry in entries] == [
        {"after": "first", "when": "succeeded"},
        {"after": "first", "when": "failed"},
    ]


def test_what_was_taken_away_or_deleted_is_followed_no_more(
    make_run: MakeRun, first: Job, second: Job, now: datetime
) -> None:
    assert remove_dependency(second, first, now=now, **ADA)
    assert not remove_dependency(second, first, now=now, **ADA)
    end(make_run, first, RunState.SUCCEEDED)
    assert not Run.objects.filter(job=second).exists()

    add_dependency(second, first, on=After.ENDED, now=now, **ADA)
    delete_job(second, now=now, **ADA)

    assert not dependencies_of(second).exists()


def test_a_job_without_a_timetable_of_its_own_is_in_order_while_it_runs_after_another(
    first: Job, second: Job, now: datetime
) -> None:
    Job.objects.filter(pk=second.pk).update(next_run_at=None, next_due_at=None)

    remove_dependency(second, first, now=now, **ADA)

    second.refresh_from_db()
    assert second.flagged_reason == ENDED
    add_dependency(second, first, on=After.ENDED, now=now, **ADA)
    second.refresh_from_db()
    assert second.flagged_reason == ""


def test_a_body_that_skips_is_not_followed(make_run: MakeRun, first: Job, second: Job) -> None:
    run = make_run("sample_jobs.skip", "nothing to do", job=first)

    assert execute_run(run).state == "skipped"

    assert not Run.objects.filter(job=second).exists()


def balance_of(job: Job, now: datetime) -> Balance:
    later = database_now()
    return verify_job(job, after=now - timedelta(days=1), until=later, now=later)


def test_the_books_count_what_a_job_was_to_run_after(
    make_run: MakeRun, first: Job, second: Job, now: datetime
) -> None:
    for minutes in range(3):
        end(make_run, first, RunState.SUCCEEDED, scheduled_at=now + timedelta(minutes=minutes))
    end(make_run, first, RunState.FAILED, scheduled_at=now + timedelta(minutes=3))
    for run in Run.objects.filter(job=second):
        execute_run(run)

    good = balance_of(second, now)
    assert (good.expected, good.matched, good.balances) == (3, 3, True)

    lost, idle, _ = Run.objects.filter(job=second).order_by("scheduled_at")
    lost.attempts.all().delete()
    lost.delete()
    Run.objects.filter(pk=idle.pk).update(
        state=RunState.PLANNED, finished_at=None, publish_at=idle.due_at
    )
    last = Run.objects.filter(job=first, state=RunState.FAILED).get()
    other = make_run(job=second, origin=Origin.DEPENDENCY, scheduled_at=last.scheduled_at)
    finish_waiting(other, Outcome(state=RunState.SKIPPED, reason="no"), instance_id=instance_id())
    Run.objects.filter(pk=other.pk).update(parent_id=last.task_id)

    bad = balance_of(second, now)
    assert (bad.expected, bad.matched, bad.missing, bad.unfinished, bad.extra) == (3, 2, 1, 1, 1)
    assert bad.examples["missing"] == [now]


def test_the_books_know_since_when_a_job_follows_and_until_when(
    make_run: MakeRun, first: Job, second: Job, now: datetime
) -> None:
    remove_dependency(second, first, now=now + timedelta(hours=1), **ADA)
    end(make_run, first, RunState.SUCCEEDED)  # now, long after that

    balance = balance_of(second, now)

    assert (balance.expected, balance.balances) == (0, True)
