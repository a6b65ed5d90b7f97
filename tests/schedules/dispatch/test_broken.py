"""A row of ours that SQL has broken costs itself alone, and says what was found in it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection

from schedules.adapters.columns import columns_of
from schedules.broker import EMPTY
from schedules.dispatch import (
    BrokenRows,
    end_expired,
    plan_due,
    reap,
    take_outbox,
    write_version,
)
from schedules.dispatch.broken import BROKEN
from schedules.dispatch.versions import decided_until
from schedules.models import GlobalPause, Job, Run, ScheduleVersion
from tests.sql import run_sql

pytestmark = pytest.mark.django_db(transaction=True)

sqlite = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="PostgreSQL keeps such values out"
)

MakeJob = Callable[..., Job]
MakeRun = Callable[..., Run]
MINUTE = timedelta(minutes=1)


def break_row(table: str, column: str, value: object, pk: int) -> None:
    held = "CAST(X'636166E9' AS TEXT)" if value == "caf\\xe9" else "%s"
    values = [value] if held == "%s" else []
    run_sql("PRAGMA ignore_check_constraints = ON")
    run_sql(f"UPDATE {table} SET {column} = {held} WHERE id = %s", *values, pk)  # noqa: S608
    run_sql("PRAGMA ignore_check_constraints = OFF")


@sqlite
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("misfire_grace", "x"),
        ("kwargs", "{"),
        ("next_run_at", "2026-99-01 00:00:00"),
        ("paused_at", "2026-02-30 00:00:00"),
        ("time_limit", "soon"),
    ],
)
def test_a_due_job_that_cannot_be_loaded_is_invalid_and_the_others_are_planned(
    make_job: MakeJob, now: datetime, column: str, value: str
) -> None:
    broken = make_job("broken", due=now - MINUTE)
    make_job("healthy")
    break_row("schedules_job", column, value, broken.pk)

    assert [run.job_key for run in plan_due(now=now)] == ["healthy"]

    job = Job.objects.get(key="broken")
    assert job.invalid_reason == job.versions.get().reason
    assert f"{column} is '{value}': " in job.invalid_reason
    assert (job.is_enabled, job.timetable, job.next_due_at) == (True, None, None)


@sqlite
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("next_due_at", "never"),
        ("is_enabled", "yes"),
        ("max_retries", "x"),
        ("queue", "caf\\xe9"),
        ("key", "caf\\xe9"),
    ],
)
def test_a_job_that_would_silently_never_run_is_found_and_shown_as_invalid(
    make_job: MakeJob, now: datetime, column: str, value: str
) -> None:
    broken = make_job("broken")
    make_job("healthy")
    break_row("schedules_job", column, value, broken.pk)

    assert BrokenRows().look_on(now=now) == 1
    assert BrokenRows().look_on(now=now) == 0

    job = Job.objects.get(pk=broken.pk)
    assert job.invalid_reason.startswith(f"{BROKEN}{column} is ")
    assert job.is_enabled
    assert Job.objects.get(key="healthy").invalid_reason == ""


@sqlite
def test_a_broken_text_that_decides_nothing_flags_the_job_and_lets_it_run(
    make_job: MakeJob, now: datetime
) -> None:
    broken = make_job("broken")
    break_row("schedules_job", "description_en", "caf\\xe9", broken.pk)

    assert BrokenRows().look_on(now=now) == 1

    job = Job.objects.get()
    assert job.flagged_reason == rf"{BROKEN}description_en is 'caf\\xe9': text in UTF-8."
    assert job.description_en == "caf\\xe9"
    assert [run.job_key for run in plan_due(now=now)] == ["broken"]
    assert not ScheduleVersion.objects.exists()


@sqlite
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("kwargs", '{"at": {"__type__": "datetime", "__value__": "soon"}}'),
        ("options", '{"eta": {"__type__": "datetime", "__value__": "soon"}}'),
        ("due_at", "2026-99-01 00:00:00"),
        ("instance_id", "nobody"),
        ("task_id", "nothing"),
    ],
)
def test_a_waiting_run_that_cannot_be_loaded_fails_and_the_others_are_sent(
    make_run: MakeRun, now: datetime, column: str, value: str
) -> None:
    broken, healthy = make_run(), make_run()
    break_row("schedules_run", column, value, broken.pk)

    taken = take_outbox(now=now, limit=10, backlog=EMPTY)

    assert [run.pk for run in taken] == [healthy.pk]
    run = Run.objects.get(pk=broken.pk)
    assert (run.state, run.publish_at) == ("failed", None)
    assert run.reason.startswith(f"{BROKEN}{column} is ")
    assert value in run.reason
    assert run.reason in run.error


@sqlite
def test_a_run_that_would_silently_never_be_sent_is_found_and_fails(
    make_run: MakeRun, now: datetime
) -> None:
    broken, healthy = make_run(), make_run()
    break_row("schedules_run", "publish_at", "never", broken.pk)

    assert BrokenRows().look_on(now=now) == 1

    assert Run.objects.get(pk=broken.pk).state == "failed"
    assert Run.objects.get(pk=healthy.pk).state == "planned"


@sqlite
def test_a_broken_run_keeps_no_other_from_expiring_or_being_taken_back(
    make_run: MakeRun, make_job: MakeJob, now: datetime
) -> None:
    broken, expiring = make_run(expires_at=now), make_run(expires_at=now)
    running = {"state": "running", "publish_at": None, "attempt": 1, "slot": 1}
    orphans = [
        make_run(job=make_job(key), started_at=now - timedelta(hours=1), **running)
        for key in ("one", "two")
    ]
    break_row("schedules_run", "due_at", "2026-99-01 00:00:00", broken.pk)
    break_row("schedules_run", "due_at", "2026-99-01 00:00:00", orphans[0].pk)

    end_expired(now=now + MINUTE)
    assert reap(now=now) == 2

    states = dict(Run.objects.values_list("pk", "state"))
    assert states == {
        broken.pk: "failed",
        expiring.pk: "missed",
        orphans[0].pk: "lost",
        orphans[1].pk: "lost",
    }


@pytest.mark.parametrize("column", ["overlap", "on_lost", "day_rule"])
def test_a_policy_that_means_nothing_makes_its_job_invalid(
    make_job: MakeJob, now: datetime, column: str
) -> None:
    broken = make_job("broken")
    run_sql(f"UPDATE schedules_job SET {column} = 'no' WHERE id = %s", broken.pk)  # noqa: S608

    assert BrokenRows().look_on(now=now) == 1
    assert BrokenRows().look_on(now=now) == 0

    job = Job.objects.get()
    assert job.invalid_reason.startswith(f"{BROKEN}{column} is 'no': one of ")
    assert job.next_due_at is None


def test_healthy_rows_look_suspicious_to_nobody(
    make_job: MakeJob, make_run: MakeRun, now: datetime
) -> None:
    make_job()
    make_run()
    for model in (Job, Run):
        model.objects.update(created_at=now)  # SQLite rounds where a second is almost over
        for column in columns_of(model):
            assert not model.objects.filter(column.look_suspicious).exists(), column.name


@sqlite
def test_a_broken_pause_of_everything_is_mended_and_stops_nothing_for_ever(
    make_job: MakeJob, now: datetime
) -> None:
    make_job()
    pause = GlobalPause.objects.create(started_at=now - 2 * MINUTE, ended_at=now - MINUTE)
    break_row("schedules_globalpause", "started_at", "2026-99-01 00:00:00", pause.pk)

    assert BrokenRows().look_on(now=now) == 1

    assert [run.job_key for run in plan_due(now=now)] == ["minutely"]


@sqlite
@pytest.mark.parametrize(
    ("table", "column"),
    [("schedules_run", "scheduled_at"), ("schedules_scheduleversion", "effective_at")],
)
def test_an_ended_row_that_is_broken_keeps_its_job_from_no_edit(
    make_job: MakeJob, make_run: MakeRun, now: datetime, table: str, column: str
) -> None:
    job = make_job()
    make_run(job=job, origin="timetable", state="succeeded", finished_at=now)
    write_version(job, since=now, by="test")
    run_sql(f"UPDATE {table} SET {column} = 'soon'")  # noqa: S608

    assert decided_until(job) == now  # which every edit asks first
