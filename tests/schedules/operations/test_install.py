"""Installing what code declares, and the runs that a start brings."""

from datetime import datetime, timedelta

import pytest
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from schedules.dispatch import absorb_edits
from schedules.models import Job, Run, ScheduleVersion, TaskFunction
from schedules.operations.install import install_declared
from schedules.operations.start import plan_start_runs
from schedules.querysets.clock import database_now
from schedules.states import Owner
from schedules.timing import Cron
from tests.schedules import sample_jobs  # noqa: F401 - declares the tasks

# Committed for real: on PostgreSQL the triggers speak at the commit.
pytestmark = pytest.mark.django_db(transaction=True)

KEY = "daily"


@pytest.fixture(autouse=True)
def installed(now: datetime) -> None:
    install_declared(now=now)


def test_a_declared_job_has_its_rows_and_its_next_run(now: datetime) -> None:
    job = Job.objects.get(key=KEY)

    assert (job.owner, job.task, job.name_ar) == (Owner.DECLARED, "sample_jobs.daily", "يومي")
    assert job.next_run_at == Cron("30 0 * * *", tz="Asia/Jakarta").next_after(now)
    assert job.misfire_grace == timedelta(hours=1)
    assert job.periodic_task is not None
    assert (job.periodic_task.crontab.hour, str(job.periodic_task.crontab.timezone)) == (
        "0",
        "Asia/Jakarta",
    )
    assert TaskFunction.objects.get(task="sample_jobs.add").arguments["required"] == ["x"]


def test_installing_again_changes_nothing(now: datetime) -> None:
    report = install_declared(now=now + timedelta(days=1))

    assert (report.created, report.updated, report.drifted) == ([], [], {})
    assert ScheduleVersion.objects.filter(job__key=KEY).count() == 1


def test_an_operator_s_edit_stays_and_shows_as_drift(now: datetime) -> None:
    task = PeriodicTask.objects.get(name=KEY)
    task.crontab = CrontabSchedule.objects.create(minute="0", hour="4", timezone="UTC")
    task.save()
    absorb_edits(now=database_now())
    job = Job.objects.get(key=KEY)
    edited = job.timetable
    job.declared = {**(job.declared or {}), "priority": 99}  # as if code had said so until now
    job.save(update_fields=["declared"])

    report = install_declared(now=now)

    job.refresh_from_db()
    assert (job.timetable, job.overridden) == (edited, ["timetable"])
    assert (report.updated, report.drifted) == ([KEY], {KEY: ["timetable"]})


def test_replace_existing_discards_an_operator_s_edit(now: datetime) -> None:
    PeriodicTask.objects.filter(name=KEY).update(enabled=False)
    absorb_edits(now=database_now())
    assert not Job.objects.get(key=KEY).is_enabled

    install_declared(now=now)
    assert not Job.objects.get(key=KEY).is_enabled

    install_declared(now=now, replace_existing=True)
    assert Job.objects.get(key=KEY).is_enabled


def test_a_job_that_code_no_longer_declares_is_disabled(now: datetime) -> None:
    Job.objects.filter(key=KEY).update(key="gone")
    PeriodicTask.objects.filter(name=KEY).update(name="gone")

    report = install_declared(now=now)

    assert (report.disabled, report.created) == (["gone"], [KEY])
    gone = Job.objects.get(key="gone")
    assert (gone.is_enabled, gone.next_run_at, gone.is_active) == (False, None, True)


def test_a_deleted_periodic_task_of_a_declared_job_is_restored(now: datetime) -> None:
    PeriodicTask.objects.filter(name=KEY).delete()
    absorb_edits(now=database_now())
    assert Job.objects.get(key=KEY).invalid_reason

    install_declared(now=now)

    job = Job.objects.get(key=KEY)
    assert (job.invalid_reason, job.is_enabled) == ("", True)
    assert job.next_run_at is not None


def test_a_start_brings_one_run_however_many_beats_start(now: datetime) -> None:
    assert plan_start_runs(now=now) == plan_start_runs(now=now)

    keys = Run.objects.values_list("natural_key", "job__key")
    assert list(keys) == [("start:recover_meetings", "recover_meetings")]
