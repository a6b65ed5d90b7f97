"""New time zone data: what was computed from other data is computed anew before it fires."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from schedules.dispatch import plan_due, renew_all
from schedules.dispatch.zone_data import release
from schedules.ledger import verify_job
from schedules.models import Job, Run, ScheduleVersion, Watermark
from schedules.states import RunState
from schedules.timing import Cron

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
MakeJob = Callable[..., Job]


@pytest.fixture
def job(make_job: MakeJob, now: datetime) -> Job:
    """A daily job at 20:00 in Jakarta, 13:00 UTC, whose zone's data said 12:00 UTC before."""
    made = make_job(
        timetable=Cron("0 20 * * *", tz="Asia/Jakarta"),
        tzdata_version="1999a",
        ledger_from=now - HOUR,
        due=now,
        misfire_grace=timedelta(minutes=5),
    )
    ScheduleVersion.objects.create(
        job=made,
        number=1,
        effective_at=now - HOUR,
        timetable=made.timetable,
        policy={"enabled": True},
    )
    return made


def test_what_other_zone_data_gave_is_not_fired(job: Job, now: datetime) -> None:
    assert plan_due(now=now) == []

    job.refresh_from_db()
    assert (job.next_run_at, job.next_due_at) == (now + HOUR, now + HOUR)
    assert job.tzdata_version == release()
    version = ScheduleVersion.objects.get(job=job, number=2)
    assert version.reason == f"zone data 1999a gave way to {release()}"


def test_what_new_zone_data_puts_earlier_is_found_when_beat_starts(job: Job, now: datetime) -> None:
    Job.objects.update(next_run_at=now + 3 * HOUR, next_due_at=now + 3 * HOUR)

    assert renew_all(now=now) == 1

    (run,) = plan_due(now=now + HOUR)
    assert run.scheduled_at == now + HOUR
    Run.objects.update(state=RunState.SUCCEEDED, publish_at=None, finished_at=now + HOUR)
    job.refresh_from_db()
    assert verify_job(job, after=now - HOUR, until=now + HOUR, now=now + HOUR).balances


def test_one_release_is_looked_at_once_and_again_after_another_one(job: Job, now: datetime) -> None:
    renew_all(now=now)
    Job.objects.update(next_run_at=now, next_due_at=now, tzdata_version="1999a")
    assert renew_all(now=now) == 0

    Watermark.objects.update(name="zone data 1999a")
    assert renew_all(now=now) == 1


def test_an_occurrence_that_was_decided_is_not_decided_anew(job: Job, now: datetime) -> None:
    Job.objects.update(tzdata_version=release(), next_run_at=now + HOUR, next_due_at=now + HOUR)
    plan_due(now=now + HOUR)
    Job.objects.update(tzdata_version="1999a")

    assert renew_all(now=now + HOUR) == 0

    job.refresh_from_db()
    assert job.next_run_at == now + 25 * HOUR


def test_a_timetable_that_makes_no_sense_does_not_keep_the_others_from_being_renewed(
    job: Job, make_job: MakeJob, now: datetime
) -> None:
    broken = make_job("broken", tzdata_version="1999a", ledger_from=now - HOUR)
    ScheduleVersion.objects.create(job=broken, number=1, effective_at=now - HOUR, policy={})
    Job.objects.filter(pk=broken.pk).update(timetable={"type": "cron"})

    renew_all(now=now)

    job.refresh_from_db()
    broken.refresh_from_db()
    assert job.next_run_at == now + HOUR
    assert (broken.next_due_at, broken.timetable) == (None, None)
    assert "cannot be planned" in broken.invalid_reason
