"""What fell into a pause was paused, however late it is found; and what an edit takes over from."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from schedules.adapters import triggers
from schedules.dispatch import absorb_edits, plan_due
from schedules.ledger import explain, verify_job
from schedules.models import AuditEntry, GlobalPause, Job, Run, ScheduleVersion, Touched
from schedules.operations.edit import update_job
from schedules.operations.switch import (
    delete_job,
    disable_job,
    end_pauses,
    pause_all,
    pause_job,
    resume_all,
    resume_job,
    skipped_by_pause,
)
from schedules.querysets.clock import database_now
from schedules.states import RunState
from schedules.timing import Every, jitter_of, to_spec
from tests.schedules import sample_jobs  # noqa: F401 - declares the tasks

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = timedelta(minutes=1)
ADA: dict[str, Any] = {"by": "ada", "source": "cli"}


@pytest.fixture
def job(now: datetime) -> Job:
    """A job every minute, in force for two hours, with everything planned up to `now`."""
    triggers.create()
    begin = now - 120 * MINUTE
    interval = IntervalSchedule.objects.create(every=1, period="minutes")
    task = PeriodicTask.objects.create(
        name="minutely", task="sample_jobs.add", args="[1]", interval=interval
    )
    made = Job.objects.create(
        key="minutely",
        task="sample_jobs.add",
        args=[1],
        periodic_task=task,
        timetable=to_spec(Every(MINUTE)),
        interval_anchor=datetime.fromisoformat("1970-01-01T00:00:00Z"),
        job_type="interval",
        next_run_at=now,
        next_due_at=now,
        ledger_from=now,
        version=1,
    )
    ScheduleVersion.objects.create(
        job=made, number=1, effective_at=begin, timetable=made.timetable, policy={"enabled": True}
    )
    Job.objects.filter(pk=made.pk).update(ledger_from=now - timedelta(seconds=1))
    absorb_edits(now=begin)
    made.refresh_from_db()
    return made


def states(job: Job) -> list[tuple[str, int]]:
    rows = Run.objects.filter(job=job).order_by("scheduled_at")
    return [(row.state, row.count) for row in rows]


def balances(job: Job, *, until: datetime) -> bool:
    job.refresh_from_db()
    Run.objects.unfinished().update(
        state=RunState.SUCCEEDED, publish_at=None, finished_at=until, slot=None
    )
    found = verify_job(job, after=until - timedelta(days=1), until=until, now=until)
    return found.expected > 0 and found.balances


def test_what_fell_into_a_pause_is_skipped_although_it_is_over_when_it_is_found(
    job: Job, now: datetime
) -> None:
    until = now + 10 * MINUTE + timedelta(seconds=30)
    pause_job(job, now=now + timedelta(seconds=30), until=until, reason="stocktaking", **ADA)

    plan_due(now=now + 11 * MINUTE)

    assert states(job) == [("skipped", 1), ("skipped", 10), ("sent", 1)]
    paused = Run.objects.get(count=10)
    assert paused.reason == f"paused by ada until {until:%FT%TZ}: stocktaking"
    assert balances(job, until=now + 11 * MINUTE)


def test_a_pause_with_an_end_resumes_by_itself_and_counts_what_it_skipped(
    job: Job, now: datetime
) -> None:
    until = now + 10 * MINUTE + timedelta(seconds=30)
    pause_job(job, now=now, until=until, **ADA)
    plan_due(now=now + 2 * MINUTE)
    assert end_pauses(now=until - MINUTE) == 0

    ended = end_pauses(now=until + timedelta(seconds=1))

    job.refresh_from_db()
    assert (ended, job.paused_at, job.paused_until) == (1, None, None)
    assert skipped_by_pause(job, since=now) == 11
    entry = AuditEntry.objects.get(action="resume")
    assert entry.after is not None
    assert (entry.actor, entry.after["skipped"]) == ("the pause's end", 11)
    plan_due(now=now + 11 * MINUTE)
    assert states(job)[-1] == ("sent", 1)
    assert balances(job, until=now + 11 * MINUTE)


def test_the_end_of_a_pause_leaves_a_longer_one_alone(job: Job, now: datetime) -> None:
    pause_job(job, now=now, until=now + MINUTE, **ADA)
    Job.objects.filter(pk=job.pk).update(paused_until=now + timedelta(hours=1))

    assert end_pauses(now=now + 2 * MINUTE) == 0


def test_what_fell_into_the_pause_of_everything_is_skipped_after_its_end(
    job: Job, now: datetime
) -> None:
    pause_all(now=now + 2 * MINUTE + timedelta(seconds=1), reason="moving house", **ADA)
    resume_all(now=now + 5 * MINUTE + timedelta(seconds=1), **ADA)

    plan_due(now=now + 6 * MINUTE)

    # Three minutes before it are too late by now, three are paused, and the last one runs.
    assert states(job) == [("missed", 3), ("skipped", 3), ("sent", 1)]
    assert Run.objects.get(state="skipped").reason == "everything is paused by ada: moving house"
    assert balances(job, until=now + 6 * MINUTE)


def test_explain_names_the_pause_that_was_in_force(job: Job, now: datetime) -> None:
    until = now + 5 * MINUTE
    pause_job(job, now=now, until=until, reason="stocktaking", **ADA)
    plan_due(now=now + MINUTE)
    resume_job(job, now=now + 2 * MINUTE, **ADA)
    GlobalPause.objects.create(started_at=now, ended_at=now + 3 * MINUTE, by="ben")

    told = " ".join(explain(job, at=now + MINUTE).sentences)

    assert f"The job was paused by ada until {until:%FT%TZ}: stocktaking" in told
    assert "Everything is paused by ben (since" in told
    assert "The job was paused" not in " ".join(explain(job, at=now + 4 * MINUTE).sentences)


@pytest.mark.parametrize("change", ["timetable", "disable", "stock page", "deletion"])
def test_an_edit_in_an_outage_leaves_none_of_the_old_occurrences_out(
    job: Job, now: datetime, change: str, settings: Any
) -> None:
    settings.SCHEDULES = {"most_occurrences": 7}
    late = now + 60 * MINUTE + timedelta(seconds=30)
    task = job.periodic_task
    assert task is not None
    if change == "timetable":
        update_job(job, changes={"interval_hours": 1, "interval_minutes": None}, now=late, **ADA)
    elif change == "disable":
        disable_job(job, now=late, **ADA)
    else:
        PeriodicTask.objects.filter(pk=task.pk).update(enabled=False)
        if change == "deletion":
            task.delete()
            Touched.objects.update(at=late)
        absorb_edits(now=late)

    assert sum(count for _, count in states(job)) == 61
    assert balances(job, until=late)


def test_an_edit_before_the_jitter_has_passed_leaves_no_occurrence_out(
    job: Job, now: datetime
) -> None:
    Job.objects.filter(pk=job.pk).update(jitter=timedelta(seconds=50))
    at = now + timedelta(milliseconds=1)
    assert jitter_of(timedelta(seconds=50), seed=job.key, instant=now) > timedelta(seconds=1)

    disable_job(job, now=at, **ADA)

    (run,) = Run.objects.all()
    assert (run.scheduled_at, run.state, run.reason) == (now, "skipped", "disabled by ada")


def test_an_edit_that_another_beat_overtook_begins_after_what_was_planned(
    job: Job, now: datetime
) -> None:
    plan_due(now=now + MINUTE)
    five = CrontabSchedule.objects.create(minute="*/5", hour="*", timezone="UTC")
    PeriodicTask.objects.update(interval=None, crontab=five)
    Touched.objects.update(at=now - timedelta(seconds=1))  # committed before, noticed after

    absorb_edits(now=now + MINUTE)

    job.refresh_from_db()
    version = ScheduleVersion.objects.get(job=job, number=2)
    assert version.effective_at == now + MINUTE
    assert job.next_run_at == now + 5 * MINUTE
    assert balances(job, until=now + 4 * MINUTE)


def test_a_timetable_that_has_ended_is_flagged_until_it_goes_on(job: Job, now: datetime) -> None:
    ends = database_now() + timedelta(days=400)
    PeriodicTask.objects.update(expires=ends)
    absorb_edits(now=database_now())
    Job.objects.update(next_run_at=ends - MINUTE, next_due_at=ends - MINUTE)

    plan_due(now=ends + MINUTE)

    job.refresh_from_db()
    assert (job.next_run_at, job.is_enabled) == (None, True)
    assert "no further occurrence" in job.flagged_reason
    PeriodicTask.objects.update(expires=None)
    absorb_edits(now=database_now())
    job.refresh_from_db()
    assert job.next_run_at is not None
    assert job.flagged_reason == ""


@pytest.mark.parametrize("verb", [disable_job, delete_job])
def test_a_job_that_cannot_run_can_still_be_stopped(job: Job, now: datetime, verb: Any) -> None:
    PeriodicTask.objects.update(args="{")
    absorb_edits(now=now)

    verb(job, now=now, **ADA)

    job.refresh_from_db()
    task = PeriodicTask.objects.get()
    assert (job.is_enabled, task.enabled, job.is_active) == (False, False, verb is disable_job)
    assert job.invalid_reason
