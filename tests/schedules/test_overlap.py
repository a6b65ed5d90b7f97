"""The overlap policies, and what the claim refuses although the message has arrived."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from celery import current_app
from django.db import IntegrityError
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from schedules import overlap, task
from schedules.broker import EMPTY, FULL
from schedules.dispatch import take_outbox
from schedules.finish import Outcome, finish_attempt, resend_attempt
from schedules.lease import instance_id
from schedules.models import GlobalPause, Job, Run
from schedules.operations import lifecycle
from schedules.operations.lifecycle import how_far_shut_down, shutdown_scheduler
from schedules.operations.switch import pause_all, resume_all
from schedules.overlap import WAITS_FOR_A_SLOT
from schedules.querysets.claim import MOST_INSTANCES
from schedules.querysets.clock import database_now
from schedules.querysets.runs import RunQuerySet
from schedules.states import Origin, Overlap, RunState
from schedules.testing import execute_run

pytestmark = pytest.mark.django_db(transaction=True)

MakeJob = Callable[..., Job]
MakeRun = Callable[..., Run]
MINUTE = timedelta(minutes=1)


def claim(run: Run) -> Run | None:
    return Run.objects.claim(run.task_id, task=run.task, instance_id=instance_id(), pid=1)


@pytest.fixture
def occurrences(make_job: MakeJob, make_run: MakeRun, now: datetime) -> Callable[..., list[Run]]:
    """Make a job with a policy and its next three occurrences, of which the first is running."""

    def make(overlap: Overlap, **fields: Any) -> list[Run]:
        crontab = CrontabSchedule.objects.create()
        task = PeriodicTask.objects.create(name="j", task="sample_jobs.add", crontab=crontab)
        job = make_job(overlap=overlap, periodic_task=task, **fields)
        runs = [
            make_run(
                "sample_jobs.add",
                1,
                job=job,
                origin=Origin.TIMETABLE,
                scheduled_at=now + n * MINUTE,
                due_at=now,
            )
            for n in range(3)
        ]
        first = claim(runs[0])
        assert first is not None
        return [first, *runs[1:]]

    return make


def test_two_slots_take_two_runs(occurrences: Callable[..., list[Run]]) -> None:
    first, second, third = occurrences(Overlap.ALLOW, max_instances=2)

    taken = claim(second)
    refused = execute_run(third)

    assert taken is not None
    assert (first.slot, taken.slot) == (1, 2)
    assert refused.state == RunState.SKIPPED


def test_queue_all_lets_every_run_wait_for_the_slot(occurrences: Callable[..., list[Run]]) -> None:
    first, second, third = occurrences(Overlap.QUEUE_ALL)
    assert execute_run(second).state == RunState.PLANNED
    assert execute_run(third).state == RunState.PLANNED

    finish_attempt(first, Outcome(state=RunState.SUCCEEDED))

    second.refresh_from_db()
    third.refresh_from_db()
    assert second.publish_at is not None
    assert third.publish_at is not None
    assert second.publish_at < third.publish_at
    assert execute_run(second).state == RunState.SUCCEEDED


@pytest.mark.parametrize("how", ["planner", "outbox"])
def test_a_run_that_is_held_before_beat_has_noted_its_sending_is_sent_when_the_slot_is_free(
    occurrences: Callable[..., list[Run]], now: datetime, how: str
) -> None:
    first, second, third = occurrences(Overlap.QUEUE_ALL)
    if how == "outbox":
        assert second.pk in [run.pk for run in take_outbox(now=now, limit=10, backlog=EMPTY)]
    else:
        Run.objects.filter(job=second.job).waiting().update(state=RunState.SENT, sends=1)
    # Messages are faster than their mark.
    assert [execute_run(run).reason for run in (second, third)] == [WAITS_FOR_A_SLOT] * 2

    Run.objects.mark_sent([second.task_id, third.task_id])
    finish_attempt(first, Outcome(state=RunState.SUCCEEDED))

    assert [run.pk for run in take_outbox(now=database_now(), limit=1, backlog=FULL)] == [second.pk]


@pytest.mark.parametrize("looked", ["before", "after"])
def test_a_run_whose_slot_comes_free_while_it_gives_way_is_taken_at_once(
    occurrences: Callable[..., list[Run]], monkeypatch: pytest.MonkeyPatch, looked: str
) -> None:
    first, second, _ = occurrences(Overlap.QUEUE_ALL)
    module, function = (task, "give_way") if looked == "before" else (overlap, "_hold")
    go_on = getattr(module, function)

    def end_the_first(run: Run) -> object:
        finish_attempt(first, Outcome(state=RunState.SUCCEEDED))
        return go_on(run)

    monkeypatch.setattr(module, function, end_the_first)

    assert execute_run(second).state == RunState.SUCCEEDED


def test_a_run_that_others_forestall_each_time_is_sent_again(
    make_job: MakeJob, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    claims = []

    def forestalled(*_: object, **__: object) -> None:
        claims.append(1)
        raise IntegrityError

    in_the_broker = {"state": RunState.SENT, "sent_at": now, "publish_at": now + 1000000 * MINUTE}
    run = make_run("sample_jobs.add", 1, job=make_job(), **in_the_broker)
    monkeypatch.setattr(RunQuerySet, "claim", forestalled)

    assert execute_run(run).state == RunState.PLANNED
    assert len(claims) == MOST_INSTANCES
    assert take_outbox(now=database_now(), limit=9, backlog=FULL) == [run]


def test_what_a_person_has_run_again_waits_and_costs_the_timetable_nothing(
    occurrences: Callable[..., list[Run]],
) -> None:
    first, again, third = occurrences(Overlap.SKIP)
    Run.objects.filter(pk=again.pk).update(origin=Origin.OPERATOR, parent_id=uuid4())

    assert execute_run(again).state == RunState.PLANNED
    finish_attempt(first, Outcome(state=RunState.SUCCEEDED))
    taken = claim(again)
    assert taken is not None
    assert execute_run(third).state == RunState.PLANNED

    finish_attempt(taken, Outcome(state=RunState.SUCCEEDED))
    assert execute_run(third).state == RunState.SUCCEEDED


@pytest.mark.parametrize("policy", [Overlap.SKIP, Overlap.ALLOW, Overlap.QUEUE_ONE])
def test_another_try_waits_for_its_slot_since_skipped_it_would_hide_the_failure(
    occurrences: Callable[..., list[Run]], policy: Overlap
) -> None:
    first, second, third = occurrences(policy)
    resend_attempt(first, due_at=first.due_at, error="ValueError: no", message={"retries": 1})
    taken = claim(second)
    assert taken is not None
    earlier = {"scheduled_at": first.scheduled_at - MINUTE}  # what QUEUE_ONE would give way to
    Run.objects.filter(pk=third.pk).update(**earlier)

    held = execute_run(first)
    finish_attempt(taken, Outcome(state=RunState.SUCCEEDED))

    assert (held.state, held.reason, held.error) == (
        RunState.PLANNED,
        WAITS_FOR_A_SLOT,
        "ValueError: no",
    )
    held.refresh_from_db()
    assert held.publish_at is not None
    assert held.publish_at <= database_now()
    assert execute_run(held).state == RunState.SUCCEEDED


def test_queue_one_keeps_one_and_skips_the_rest(occurrences: Callable[..., list[Run]]) -> None:
    _, second, third = occurrences(Overlap.QUEUE_ONE)

    second, third = execute_run(second), execute_run(third)

    assert (second.state, third.state) == (RunState.PLANNED, RunState.SKIPPED)
    assert str(second.task_id) in third.reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"is_active": False}, "its job is deleted"),
        ({"is_enabled": False}, "its job is disabled"),
        ({"paused_by": "ada", "pause_reason": "stocktaking"}, "paused by ada: stocktaking"),
    ],
)
def test_what_was_queued_does_not_start_after_the_job_was_stopped(
    occurrences: Callable[..., list[Run]], now: datetime, change: dict[str, Any], reason: str
) -> None:
    first, second, _ = occurrences(Overlap.SKIP)
    finish_attempt(first, Outcome(state=RunState.SUCCEEDED))
    paused = {"paused_at": now} if "paused_by" in change else {}
    Job.objects.update(**change, **paused)

    second = execute_run(second)

    assert (second.state, second.reason) == (RunState.SKIPPED, reason)


def test_a_disable_by_the_stock_page_holds_before_beat_has_noticed(
    occurrences: Callable[..., list[Run]],
) -> None:
    first, second, _ = occurrences(Overlap.SKIP)
    finish_attempt(first, Outcome(state=RunState.SUCCEEDED))
    PeriodicTask.objects.update(enabled=False)

    assert execute_run(second).state == RunState.SKIPPED


def test_a_run_whose_predecessor_cannot_be_told_to_end_goes_on_waiting(
    occurrences: Callable[..., list[Run]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_broker(*_: object, **__: object) -> None:
        raise ConnectionResetError("no broker")

    _, second, _ = occurrences(Overlap.CANCEL_RUNNING)
    monkeypatch.setattr(current_app.control, "broadcast", no_broker)

    second = execute_run(second)

    assert (second.state, second.attempt, second.error) == ("planned", 0, "")


def test_a_drain_lets_what_is_queued_finish(make_run: MakeRun, now: datetime) -> None:
    GlobalPause.objects.create(started_at=now, by="ada", drain=True)

    assert execute_run(make_run("sample_jobs.add", 1)).state == RunState.SUCCEEDED


def test_what_comes_due_in_a_drain_waits_for_its_end(make_run: MakeRun, now: datetime) -> None:
    call = make_run("sample_jobs.add", 1)
    failed = claim(make_run("sample_jobs.add", 2))
    assert failed is not None
    pause_all(by="ada", source="cli", now=now, drain=True)
    begun = shutdown_scheduler(by="ada", source="cli", now=now)
    later = make_run("sample_jobs.add", 3, due_at=database_now())
    resend_attempt(failed, due_at=later.due_at, error="no", message={})

    assert take_outbox(now=database_now(), limit=10, backlog=EMPTY) == [call]
    assert (execute_run(later).state, execute_run(failed).state) == ("planned", "retrying")
    assert execute_run(call).state == RunState.SUCCEEDED
    ended = how_far_shut_down(now=database_now())
    assert ended is not None
    assert (begun.running, begun.queued, ended.is_done) == (1, 1, True)

    resume_all(by="ada", source="cli", now=database_now())

    assert {execute_run(run).state for run in (later, failed)} == {RunState.SUCCEEDED}


def test_what_came_due_as_a_shutdown_began_counts_until_every_claim_of_it_is_seen(
    make_run: MakeRun,
) -> None:
    began = database_now()
    make_run("sample_jobs.add", 1, due_at=database_now())

    first = shutdown_scheduler(by="ada", source="cli", now=began)
    later = how_far_shut_down(now=began + lifecycle.CLAIMS_ARE_SEEN_WITHIN)

    assert later is not None
    assert (first.queued, first.is_done, later.is_done) == (1, False, True)


def test_a_shutdown_that_a_start_overtakes_says_how_far_it_was(
    make_run: MakeRun, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(**asked: Any) -> GlobalPause:
        pause = pause_all(**asked)
        resume_all(by="bob", source="cli", now=now)
        return pause

    monkeypatch.setattr(lifecycle, "pause_all", overtaken)
    make_run("sample_jobs.add", 1)

    assert shutdown_scheduler(by="ada", source="cli", now=now).queued == 1


def test_nothing_starts_while_everything_is_paused(make_run: MakeRun, now: datetime) -> None:
    pause = GlobalPause.objects.create(started_at=now, by="ada")
    run = make_run("sample_jobs.add", 1)
    assert execute_run(run).state == RunState.PLANNED

    GlobalPause.objects.filter(pk=pause.pk).update(ended_at=now)

    assert execute_run(run).state == RunState.SUCCEEDED


def test_a_message_that_is_refused_in_a_pause_is_sent_again_at_its_end(
    make_run: MakeRun, now: datetime
) -> None:
    in_the_broker = {"state": RunState.SENT, "sent_at": now, "publish_at": database_now() + MINUTE}
    run = make_run("sample_jobs.add", 1, **in_the_broker)
    pause_all(by="ada", source="cli", now=now)
    execute_run(run)
    assert take_outbox(now=database_now(), limit=9, backlog=FULL) == []

    resume_all(by="ada", source="cli", now=database_now())

    assert take_outbox(now=database_now(), limit=9, backlog=FULL) == [run]


def test_a_run_of_a_timetable_whose_job_sql_has_taken_away_is_not_sent_in_circles(
    make_run: MakeRun, now: datetime
) -> None:
    run = make_run("sample_jobs.add", 1, origin=Origin.TIMETABLE, state=RunState.SENT, sent_at=now)

    run = execute_run(run)

    assert (run.state, run.reason) == (RunState.SKIPPED, "its job is gone")


def test_a_message_that_comes_twice_has_no_running_run_sent_again(
    make_run: MakeRun, now: datetime
) -> None:
    run = make_run("sample_jobs.add", 1)
    assert claim(run) is not None

    assert execute_run(run).publish_at is None


def test_a_message_that_comes_before_its_run_is_due_does_not_hasten_it(make_run: MakeRun) -> None:
    later = database_now() + MINUTE
    run = make_run("sample_jobs.add", 1, due_at=later)

    assert execute_run(run).publish_at == later
