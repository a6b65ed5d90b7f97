"""The end of a run reaches the rules, once it is committed."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from schedules.alerts.book import Note, note
from schedules.alerts.channels import create_channel
from schedules.alerts.receivers import connect
from schedules.dispatch import plan_due
from schedules.models import Alert, AlertRule, Delivery, Job, Run
from schedules.operations.install import install_declared
from schedules.querysets.clock import database_now
from schedules.signals import run_finished
from schedules.states import Origin, RunState
from schedules.testing import execute, execute_run
from tests.schedules import sample_jobs
from tests.schedules.alerts.conftest import NOON

pytestmark = pytest.mark.django_db(transaction=True)


def texts() -> list[str]:
    return list(Alert.objects.order_by("id").values_list("text", flat=True))


def test_a_failed_run_is_told(make_rule: Callable[..., AlertRule]) -> None:
    make_rule("failed")

    run = execute(sample_jobs.report_failure, "the disk is full")

    assert texts() == [
        f"sample_jobs.report_failure failed (scheduled at {run.scheduled_at:%FT%TZ}):"
        " ReportedFailure: the disk is full"
    ]
    assert Alert.objects.get().facts["state"] == "failed"
    # Its own messenger waits, and tells of nothing itself.
    assert Run.objects.filter(task="alerts.deliver_alert").count() == 1


def test_without_a_rule_a_run_costs_no_statement_more(
    django_assert_max_num_queries: Callable[..., Any],
) -> None:
    execute(sample_jobs.add, 1)  # reads that there is none, for the next seconds

    run = Run.objects.create(
        task="sample_jobs.add",
        origin=Origin.CALL,
        scheduled_at=database_now(),
        due_at=database_now(),
        publish_at=database_now(),
    )
    with django_assert_max_num_queries(0):
        run_finished.send(sender=Run, run_id=run.pk, state=RunState.SUCCEEDED)


def test_a_failure_waits_for_the_disk_once_for_all_channels(
    make_rule: Callable[..., AlertRule],
) -> None:
    channels = [
        create_channel(
            name=name, kind="email", target=f"{name}@x.org", by="test", source="code", now=NOON
        )
        for name in ("one", "two", "three")
    ]
    told = make_rule("failed", channels=channels)

    with CaptureQueriesContext(connection) as asked:
        note(told, Note(text="nightly failed", at=NOON), now=database_now())

    assert [each["sql"] for each in asked].count("COMMIT") == 1
    assert texts() == ["nightly failed"] * 3


def test_a_rule_about_one_job_hears_of_no_other(
    make_rule: Callable[..., AlertRule], make_job: Callable[..., Job], make_run: Callable[..., Run]
) -> None:
    job = make_job("watched", task="sample_jobs.report_failure", args=["x"])
    make_rule("failed", job=job)

    execute(sample_jobs.report_failure, "another")
    assert texts() == []
    execute_run(make_run("sample_jobs.report_failure", "x", job=job, job_key=job.key))

    assert len(texts()) == 1


def test_a_recovery_counts_the_failures_before_it(
    make_rule: Callable[..., AlertRule],
    make_job: Callable[..., Job],
    make_run: Callable[..., Run],
    now: datetime,
) -> None:
    job = make_job("watched")
    make_rule("recovered", job=job)
    for minute in (2, 1):
        make_run(
            job=job,
            job_key=job.key,
            state=RunState.FAILED,
            scheduled_at=now - timedelta(minutes=minute),
            finished_at=now,
        )

    execute_run(make_run("sample_jobs.add", 1, job=job, job_key=job.key))

    assert "watched recovered after 2 failures" in texts()[0]


def test_occurrences_that_are_missed_while_planning_are_told(
    make_rule: Callable[..., AlertRule], make_job: Callable[..., Job], now: datetime
) -> None:
    make_job("minutely", due=now - timedelta(minutes=40))
    make_rule("missed")

    plan_due(now=now)

    assert "minutely missed 39 occurrences" in texts()[0]


def test_a_muted_rule_keeps_silent(make_rule: Callable[..., AlertRule]) -> None:
    rule = make_rule("failed")
    AlertRule.objects.update(muted_at=database_now())

    execute(sample_jobs.report_failure, "x")

    assert texts() == []
    assert not Delivery.objects.filter(rule=rule).exists()


def test_listening_twice_tells_once(make_rule: Callable[..., AlertRule]) -> None:
    connect()
    make_rule("failed")

    execute(sample_jobs.report_failure, "x")

    assert len(texts()) == 1


def test_the_messenger_is_a_declared_task_without_a_job(db: None) -> None:
    install_declared(now=database_now())

    assert not Job.objects.filter(key="deliver_alert").exists()
