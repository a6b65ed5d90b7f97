"""What people and programs ask for dies before every step: it has happened, or it has not."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from celery import current_app
from django.db import transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from django_celery_results.models import TaskResult

from schedules.dispatch import Call, absorb_edits, cancel_parked, park, plan_due
from schedules.models import Attempt, AuditEntry, Job, Run, ScheduleVersion, Touched
from schedules.operations.cancel import cancel_run
from schedules.operations.retry import retry_run
from schedules.operations.switch import delete_job, pause_job
from schedules.operations.trigger import trigger
from schedules.querysets.clock import database_now
from schedules.registry import find
from schedules.retention import clean_log
from schedules.states import RunState
from tests.promises import promise_jobs as jobs
from tests.promises.books import check_occurrences, check_runs
from tests.promises.promise_jobs import effects
from tests.promises.world import MINUTE, beat, in_the_past, make_job, take_message, work

Die = Callable[..., int]


def quiet_job() -> Job:
    """A job whose timetable has nothing left to do."""
    job = make_job("asked", "promise_jobs.effect", "asked", begin=in_the_past(), occurrences=1)
    Job.objects.update(next_run_at=None, next_due_at=None)
    job.refresh_from_db()
    return job


def test_triggering_and_asking_again_with_the_same_key(die_at_every_step: Die) -> None:
    def ask(job: Job) -> Run:
        return trigger(job, now=database_now(), by="ada", source="api", idempotency_key="k")

    def check(job: Job) -> None:
        check_runs()
        assert (Run.objects.count(), effects("asked"), AuditEntry.objects.count()) == (1, 1, 1)

    die_at_every_step(quiet_job, ask, check, repair=ask)


def test_cancelling_a_run(die_at_every_step: Die) -> None:
    def arrange() -> Run:
        result = jobs.effect.delay("unwanted")
        return Run.objects.get(task_id=result.id)

    def cancel(run: Run) -> str:
        return cancel_run(run, by="ada", source="cli", now=database_now())

    def check(run: Run) -> None:
        check_runs()
        run.refresh_from_db()
        cancelled = run.state == RunState.CANCELLED
        assert cancelled or run.state == RunState.SUCCEEDED
        assert (effects("unwanted"), AuditEntry.objects.count()) == (not cancelled, cancelled)

    die_at_every_step(arrange, cancel, check)


def test_revoking_a_chain_whose_last_element_somebody_waits_for(die_at_every_step: Die) -> None:
    def arrange() -> Any:
        with transaction.atomic():
            return (jobs.effect.si("first") | jobs.effect.si("second"))()

    def check(last: Any) -> None:
        check_runs()
        first = Run.objects.get(task_id=last.parent.id)
        ran = int(first.state == RunState.SUCCEEDED)
        assert ran or first.state == RunState.CANCELLED
        assert (effects("first"), effects("second")) == (ran, ran)
        assert last.state == ("SUCCESS" if ran else "REVOKED")

    die_at_every_step(arrange, lambda last: last.parent.revoke(), check)


def test_retrying_a_run_by_hand(die_at_every_step: Die) -> None:
    def arrange() -> Run:
        result = jobs.fail.delay("again")
        work()
        return Run.objects.get(task_id=result.id)

    def check(run: Run) -> None:
        check_runs()
        again = Run.objects.filter(parent_id=run.task_id).count()
        assert (again, AuditEntry.objects.count()) in {(0, 0), (1, 1)}
        assert Run.objects.get(pk=run.pk).state == RunState.FAILED

    die_at_every_step(
        arrange, lambda run: retry_run(run, by="ada", source="cli", now=database_now()), check
    )


@pytest.mark.parametrize("switch", [pause_job, delete_job])
def test_stopping_a_job_with_a_run_that_waits(
    die_at_every_step: Die, switch: Callable[..., Job]
) -> None:
    begin = in_the_past()

    def arrange() -> Job:
        job = make_job("stopped", "promise_jobs.effect", "stopped", begin=begin)
        plan_due(now=begin)
        return job

    def check(job: Job) -> None:
        check_runs()
        check_occurrences(job, [begin + number * MINUTE for number in range(3)])
        assert effects("stopped") == (0 if AuditEntry.objects.exists() else 3)
        assert AuditEntry.objects.count() == ScheduleVersion.objects.count() - 1

    die_at_every_step(
        arrange,
        lambda job: switch(job, by="ada", source="cli", now=begin + 2 * MINUTE),
        check,
    )


def test_taking_up_an_edit_from_the_stock_page(die_at_every_step: Die) -> None:
    begin = in_the_past()
    change = begin + 3.5 * MINUTE

    def arrange() -> Job:
        job = make_job("edited", "promise_jobs.effect", "edited", begin=begin, occurrences=6)
        hours, _ = IntervalSchedule.objects.get_or_create(every=1, period="hours")
        task = PeriodicTask.objects.get()
        task.interval, task.start_time = hours, begin
        task.save()
        Touched.objects.update(at=change)
        return job

    def check(job: Job) -> None:
        check_runs()
        past = database_now() - begin
        hourly = [
            begin + timedelta(hours=number) for number in range(1, past // timedelta(hours=1))
        ]
        job.refresh_from_db()
        assert (job.version, ScheduleVersion.objects.count()) == (2, 2)
        begun = Run.objects.filter(job=job, scheduled_at__lt=change)
        assert begun.count() == 4
        later = Run.objects.filter(job=job, scheduled_at__gt=change, scheduled_at__in=hourly)
        assert later.count() == len(hourly)

    die_at_every_step(arrange, lambda _: absorb_edits(now=change + MINUTE), check)


def test_taking_up_a_deletion_on_the_stock_page(die_at_every_step: Die) -> None:
    begin = in_the_past()

    def arrange() -> Job:
        job = make_job("gone", "promise_jobs.effect", "gone", begin=begin, occurrences=6)
        PeriodicTask.objects.all().delete()
        Touched.objects.update(at=begin + 2 * MINUTE)
        return job

    def check(job: Job) -> None:
        check_runs()
        job.refresh_from_db()
        check_occurrences(job, [begin + number * MINUTE for number in range(3)])
        assert (job.is_active, job.next_run_at, job.version) == (False, None, 2)
        assert effects("gone") == 0

    die_at_every_step(arrange, lambda _: absorb_edits(now=begin + 3 * MINUTE), check)


def test_parking_moving_and_cancelling_one_offs(die_at_every_step: Die) -> None:
    declaration = find("promise_jobs.effect")
    assert declaration is not None
    due, later = in_the_past(), in_the_past() + timedelta(days=100)

    def calls(*keys: str, at: datetime) -> list[Call]:
        return [Call(key=key, at=at, args=[key]) for key in keys]

    def arrange() -> None:
        park(declaration, calls("moved", "cancelled", at=later))

    def change(_: None) -> None:
        with transaction.atomic():
            park(declaration, calls("moved", "new", at=due))
            cancel_parked(["cancelled"], reason="no longer")

    def check(_: None) -> None:
        assert sorted(Run.objects.values_list("natural_key", "state")) == [
            ("cancelled", "cancelled"),
            ("moved", "succeeded"),
            ("new", "succeeded"),
        ]
        assert (effects("moved"), effects("new"), effects("cancelled")) == (1, 1, 0)

    die_at_every_step(arrange, change, check, repair=change)


def test_deleting_old_history(die_at_every_step: Die) -> None:
    begin = in_the_past()

    def arrange() -> Job:
        job = make_job("old", "promise_jobs.effect", "old", begin=begin, occurrences=4)
        beat(begin + 2 * MINUTE)
        work()
        for _ in range(2):
            jobs.effect.delay("one-off")
        work()
        return job

    def clean(_: Job) -> None:
        list(clean_log(before=database_now(), now=begin + 2 * MINUTE))

    def check(job: Job) -> None:
        check_runs()
        runs = {str(task_id) for task_id in Run.objects.values_list("task_id", flat=True)}
        assert set(TaskResult.objects.values_list("task_id", flat=True)) == runs
        assert not Attempt.objects.exclude(run__in=Run.objects.all()).exists()
        job.refresh_from_db()
        assert job.ledger_from is not None
        kept = [begin + n * MINUTE for n in range(4) if begin + n * MINUTE > job.ledger_from]
        check_occurrences(job, kept or [begin + 3 * MINUTE])

    die_at_every_step(arrange, clean, check)


def test_a_call_in_the_callers_transaction(die_at_every_step: Die) -> None:
    def call_and_write(_: None) -> UUID:
        with transaction.atomic():
            jobs.leave_effect("business")
            return UUID(jobs.effect.delay("called").id)

    def check(_: None) -> None:
        check_runs()
        assert (effects("business"), effects("called")) in {(0, 0), (1, 1)}

    die_at_every_step(lambda: None, call_and_write, check)


def test_a_revoke_by_name_reaches_what_no_worker_has(die_at_every_step: Die) -> None:
    def arrange() -> Run:
        result = jobs.effect.apply_async(("parked",), countdown=3600)
        assert take_message() is None
        return Run.objects.get(task_id=result.id)

    def check(run: Run) -> None:
        check_runs()
        assert (Run.objects.get().state, effects("parked")) == (RunState.CANCELLED, 0)

    def revoke(run: Run) -> None:
        current_app.control.revoke(str(run.task_id))

    die_at_every_step(arrange, revoke, check, repair=revoke)
