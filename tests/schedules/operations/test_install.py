"""Installing what code declares, and the runs that a start brings."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Min, Sum
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from schedules.adapters import triggers
from schedules.dispatch import absorb_edits
from schedules.models import AuditEntry, Job, Run, ScheduleVersion, TaskFunction, Touched
from schedules.operations.install import install_declared
from schedules.operations.start import plan_start_runs
from schedules.operations.switch import delete_job
from schedules.querysets.clock import database_now
from schedules.states import Owner
from schedules.timing import Cron, to_spec
from tests.schedules import sample_jobs  # noqa: F401 - declares the tasks
from tests.sql import run_sql

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


def test_installing_leaves_alone_the_jobs_that_have_no_function(
    now: datetime, make_job: Callable[..., Job]
) -> None:
    make_job("foreign", task="elsewhere.work")
    rewritten = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith('UPDATE "schedules_job" SET "task_function_id"'):
            rewritten.append(context["cursor"].rowcount)
        return result

    with connection.execute_wrapper(count):
        install_declared(now=now)

    assert rewritten == [0]


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


@pytest.mark.parametrize("how", ["orm", "sql", "cascade"])
def test_what_a_person_deletes_stays_deleted_until_edits_are_discarded(
    how: str, now: datetime
) -> None:
    if how == "orm":
        PeriodicTask.objects.filter(name=KEY).delete()
    elif how == "cascade":
        CrontabSchedule.objects.filter(periodictask__name=KEY).delete()
    else:
        run_sql("DELETE FROM django_celery_beat_periodictask WHERE name = %s", KEY)

    first, second = install_declared(now=now), install_declared(now=now)  # before any Beat has read

    job = Job.objects.get(key=KEY)
    assert (KEY in first.deleted, KEY in second.deleted) == (True, True)
    assert (job.is_active, job.next_run_at) == (False, None)
    entry = AuditEntry.objects.get(subject=f"job:{KEY}")
    assert (entry.action, entry.source) == ("delete", "stock")

    report = install_declared(now=now, replace_existing=True)

    assert KEY in report.created
    job.refresh_from_db()
    assert (job.is_active, job.is_enabled, job.invalid_reason) == (True, True, "")
    assert job.next_run_at is not None


@pytest.mark.parametrize("is_gone", [False, True])
def test_what_was_due_before_code_changed_a_job_has_its_rows(now: datetime, is_gone: bool) -> None:
    job = Job.objects.get(key=KEY)
    old = {**(job.declared or {}), "timetable": to_spec(Cron("0 * * * *")), "misfire_grace": 60}
    Job.objects.filter(pk=job.pk).update(
        timetable=old["timetable"], next_run_at=now, next_due_at=now, declared=old
    )
    if is_gone:
        Job.objects.filter(pk=job.pk).update(key="no-longer-in-code")
        PeriodicTask.objects.filter(name=KEY).update(name="no-longer-in-code")
    Touched.objects.all().delete()  # as once Beat has read them

    install_declared(now=now + timedelta(hours=3))

    covered = Run.objects.filter(job=job).aggregate(sum=Sum("count"), first=Min("scheduled_at"))
    assert covered == {"sum": 4, "first": now}


def test_a_job_that_an_operator_deleted_comes_back_when_edits_are_discarded(now: datetime) -> None:
    delete_job(Job.objects.get(key=KEY), by="ada", source="api", now=now)

    kept = install_declared(now=now)
    back = install_declared(now=now, replace_existing=True)

    assert (KEY in kept.deleted, KEY in back.created) == (True, True)
    job = Job.objects.get(key=KEY)
    assert (job.is_active, job.is_enabled, job.next_run_at is None) == (True, True, False)


def test_a_row_that_is_gone_without_having_been_deleted_is_made_again(now: datetime) -> None:
    absorb_edits(now=now)  # the installation's own writes
    triggers.drop()  # as where a backup was restored, or a table truncated
    run_sql("DELETE FROM django_celery_beat_periodictask WHERE name = %s", KEY)
    triggers.create()

    report = install_declared(now=now)

    assert report.created == [KEY]
    assert Job.objects.get(key=KEY).next_run_at is not None


def test_a_lost_job_takes_up_the_periodic_task_it_left_behind(now: datetime) -> None:
    left = PeriodicTask.objects.get(name=KEY)
    ScheduleVersion.objects.filter(job__key=KEY).delete()
    Job.objects.filter(key=KEY).delete()

    install_declared(now=now)

    assert Job.objects.get(key=KEY).periodic_task == left


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps such values out")
def test_a_row_that_sql_has_broken_stops_no_installation(now: datetime) -> None:
    run_sql("UPDATE django_celery_beat_periodictask SET start_time = 'x' WHERE name = %s", KEY)
    lost = Job.objects.exclude(key=KEY).filter(owner="declared").earliest("pk").key
    ScheduleVersion.objects.filter(job__key=lost).delete()
    Job.objects.filter(key=lost).delete()

    install_declared(now=now)

    assert Job.objects.get(key=KEY).invalid_reason.startswith("start_time is 'x': ")
    assert Job.objects.get(key=lost).next_run_at is not None


def test_a_start_brings_one_run_however_many_beats_start(now: datetime) -> None:
    assert plan_start_runs(now=now) == plan_start_runs(now=now)

    keys = Run.objects.values_list("natural_key", "job__key")
    assert list(keys) == [("start:recover_meetings", "recover_meetings")]
