"""What a periodic task says beside when and what: priority, expiry, and what has no effect."""

import json
import logging
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from schedules.adapters import triggers
from schedules.dispatch import absorb_edits, plan_due
from schedules.models import Job, Run, ScheduleVersion
from schedules.operations.edit import update_job
from schedules.operations.install import install_declared
from schedules.operations.switch import disable_job
from schedules.querysets.clock import database_now
from schedules.states import RunState
from tests.schedules import sample_jobs  # noqa: F401 - declares the tasks
from tests.sql import run_sql

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "nightly"
FILLED = {"exchange": "other", "routing_key": "there", "headers": '{"tenant": "secret"}'}


@pytest.fixture(autouse=True)
def in_place() -> None:
    triggers.create()


def make(**fields: object) -> PeriodicTask:
    crontab, _ = CrontabSchedule.objects.get_or_create(minute="0", hour="3", timezone="UTC")
    values = {"task": "sample_jobs.add", "args": "[1]", "crontab": crontab, **fields}
    return PeriodicTask.objects.create(name=KEY, **values)


def give(key: str = KEY, **columns: object) -> Job:
    """Write columns of the periodic task as any client may, and read them as Beat does."""
    PeriodicTask.objects.filter(name=key).update(**columns)
    absorb_edits(now=database_now())
    return Job.objects.get(key=key)


def who() -> dict[str, Any]:
    return {"by": "ada", "source": "api", "now": database_now()}


def test_a_periodic_task_s_priority_and_expiry_are_its_job_s() -> None:
    make(priority=0, expire_seconds=7)

    job = give()

    assert (job.priority, job.misfire_grace) == (5, timedelta(seconds=7))


def test_runs_carry_what_the_periodic_task_gives() -> None:
    make()
    job = give(priority=2, expire_seconds=30)
    due = database_now() - timedelta(seconds=10)
    Job.objects.filter(pk=job.pk).update(next_run_at=due, next_due_at=due)

    plan_due(now=database_now())

    run = Run.objects.get()
    assert (run.priority, run.expires_at) == (3, due + timedelta(seconds=30))


def test_an_occurrence_later_than_the_expiry_does_not_start() -> None:
    make()
    job = give(expire_seconds=5)
    due = database_now() - timedelta(seconds=10)
    Job.objects.filter(pk=job.pk).update(next_run_at=due, next_due_at=due)

    plan_due(now=database_now())

    assert Run.objects.get().state == RunState.MISSED


@pytest.mark.parametrize("before", [{}, {"priority": 7, "misfire_grace": None}])
def test_clearing_the_columns_brings_the_job_s_own_policy_back(before: dict[str, Any]) -> None:
    make()
    job = update_job(give(), changes=before, **who())
    own = (job.priority, job.misfire_grace)

    given = give(priority=9, expire_seconds=600)
    again = give(priority=8, expire_seconds=600)
    cleared = give(priority=None, expire_seconds=None)

    assert (given.priority, given.misfire_grace) == (-4, timedelta(minutes=10))
    assert again.priority == -3
    assert (cleared.priority, cleared.misfire_grace, cleared.own_policy) == (*own, None)


def test_clearing_the_columns_of_a_declared_job_brings_the_declared_policy_back() -> None:
    install_declared(now=database_now())
    declared = Job.objects.get(key="daily")

    given = give("daily", priority=1, expire_seconds=9)
    drifted = install_declared(now=database_now()).drifted
    cleared = give("daily", priority=None, expire_seconds=None)

    assert (given.priority, given.overridden) == (4, ["misfire_grace", "priority"])
    assert sorted(drifted["daily"]) == ["misfire_grace", "priority"]
    assert (cleared.priority, cleared.misfire_grace) == (declared.priority, timedelta(hours=1))
    assert cleared.overridden == []


def test_replacing_edits_by_what_is_declared_clears_the_columns() -> None:
    install_declared(now=database_now())
    give("daily", priority=1, expire_seconds=9)

    install_declared(now=database_now(), replace_existing=True)

    job = give("daily")
    assert (job.priority, job.misfire_grace) == (0, timedelta(hours=1))
    columns = PeriodicTask.objects.values_list("priority", "expire_seconds")
    assert columns.get(name="daily") == (None, None)


def test_an_operator_s_later_word_on_the_job_clears_the_column() -> None:
    make(priority=0, expire_seconds=7)

    changes = {"priority": 2, "misfire_grace": timedelta(seconds=7)}
    job = update_job(give(), changes=changes, **who())

    assert (job.priority, give().priority) == (2, 2)
    columns = PeriodicTask.objects.values_list("priority", "expire_seconds")
    assert columns.get(name=KEY) == (None, 7)  # the unchanged one is still its own


def test_a_given_policy_is_a_version_and_moves_no_occurrence() -> None:
    make()
    before = give()

    after = give(expire_seconds=7)

    assert (after.version, after.next_run_at) == (before.version + 1, before.next_run_at)
    newest = ScheduleVersion.objects.filter(job=after).order_by("-number")[0]
    assert newest.policy["misfire_grace_seconds"] == 7


def test_what_was_due_before_is_still_the_old_policy_s() -> None:
    make()
    job = give()
    due = database_now() - timedelta(seconds=10)
    Job.objects.filter(pk=job.pk).update(next_run_at=due, next_due_at=due)

    give(expire_seconds=1)

    assert Run.objects.get().state == RunState.PLANNED


@pytest.mark.parametrize(("column", "value"), [("priority", 256), ("expire_seconds", "high")])
def test_a_priority_or_expiry_out_of_range_is_said_and_can_be_mended(
    column: str, value: object
) -> None:
    if connection.vendor != "sqlite" and isinstance(value, str):
        pytest.skip("PostgreSQL keeps such values out")
    make()
    give()
    run_sql(f"UPDATE django_celery_beat_periodictask SET {column} = %s", value)  # noqa: S608
    job = give()
    assert job.invalid_reason.startswith(f"{column} is ")

    disabled = disable_job(job, **who())
    assert not disabled.is_enabled
    update_job(job, changes={"priority": 3, "misfire_grace": timedelta(seconds=9)}, **who())

    mended = give(enabled=True)
    assert (mended.invalid_reason, mended.priority) == ("", 3)
    assert mended.misfire_grace == timedelta(seconds=9)


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"exchange": "other"}, "exchange of its periodic task is ignored: other"),
        ({"routing_key": "there"}, "routing_key of its periodic task is ignored: there"),
        ({"headers": '{"a": 1}'}, "headers of its periodic task are ignored: a"),
        ({"headers": "{"}, "headers of its periodic task are ignored: they are no JSON"),
        ({"headers": "[1]"}, "headers of its periodic task are ignored: they are no JSON object"),
    ],
)
def test_what_has_no_effect_is_said_when_it_is_read(
    columns: dict[str, str], sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    make()
    give()
    caplog.set_level(logging.WARNING)

    job = give(**columns)

    assert (job.invalid_reason, job.is_enabled) == ("", True)
    assert f"Job {KEY}: {sentence}" in caplog.messages
    assert _shown()["remarks"] == [sentence]


def test_the_pages_say_what_has_no_effect_without_values_of_headers() -> None:
    task = make(**FILLED)
    job = give()
    client = Client()
    client.force_login(User.objects.create_superuser("root"))

    for page in (
        f"/admin/schedules/job/{job.pk}/change/",
        f"/admin/django_celery_beat/periodictask/{task.pk}/change/",
        f"/scheduler/jobs/{job.pk}",
    ):
        text = client.get(page, follow=True).content.decode()
        assert "exchange of its periodic task is ignored: other." in text
        assert "headers of its periodic task are ignored: tenant." in text
        assert "secret" not in text


def test_empty_columns_are_not_spoken_of() -> None:
    make(exchange="", routing_key=None, headers="{ }")
    give()

    assert _shown()["remarks"] == []


def _shown() -> dict[str, Any]:
    written = StringIO()
    call_command("scheduler", "show", KEY, "--json", stdout=written)
    shown: dict[str, Any] = json.loads(written.getvalue())
    return shown
