"""An edit of a periodic task takes effect, whoever makes it and however."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from schedules.adapters import triggers
from schedules.adapters.ignored import ignored_by
from schedules.dispatch import absorb_edits, plan_due, read_invalid_again
from schedules.errors import InvalidInput
from schedules.models import Job, Run, ScheduleVersion, TaskFunction, Touched
from schedules.operations.edit import update_job
from schedules.operations.switch import delete_job, disable_job
from schedules.querysets.clock import database_now
from schedules.timing import Cron, from_spec
from tests.browser import untouched
from tests.schedules import sample_jobs  # noqa: F401 - declares the tasks
from tests.sql import run_sql

pytestmark = pytest.mark.django_db(transaction=True)

NOT_UTF8 = b"caf\xe9"

MakeTask = Callable[..., PeriodicTask]


@pytest.fixture(autouse=True)
def in_place() -> None:
    triggers.create()


@pytest.fixture
def make_task() -> MakeTask:
    def make(name: str = "nightly", *, hour: str = "3", **fields: object) -> PeriodicTask:
        crontab, _ = CrontabSchedule.objects.get_or_create(minute="0", hour=hour, timezone="UTC")
        values = {"task": "sample_jobs.add", "args": "[1]", "crontab": crontab, **fields}
        return PeriodicTask.objects.create(name=name, **values)

    return make


def absorb() -> Job:
    absorb_edits(now=database_now())
    return Job.objects.get()


def next_hour(job: Job) -> int:
    assert job.next_run_at is not None
    return job.next_run_at.astimezone(UTC).hour


def test_a_created_task_becomes_a_job_with_a_next_run(make_task: MakeTask) -> None:
    function = TaskFunction.objects.create(key="add", task="sample_jobs.add", name_en="Add")
    make_task()

    job = absorb()

    assert (job.key, job.args, next_hour(job), job.version) == ("nightly", [1], 3, 1)
    assert job.task_function == function
    assert not Touched.objects.exists()


@pytest.mark.parametrize(
    ("name", "key", "reason"),
    [
        ("12", "job-12", "it could be the number of another job"),
        ("reports/daily", "reports:daily", "no address of a job can hold a /"),
        ("preview", "job-preview", "it means something else in an address"),
        ("..", "job-..", "it means something else in an address"),
    ],
)
def test_a_task_whose_name_can_be_no_key_gets_one_that_can(
    make_task: MakeTask, name: str, key: str, reason: str
) -> None:
    task = make_task(name)

    job = absorb()

    assert (job.key, job.name_en, next_hour(job)) == (key, name, 3)
    assert ignored_by(task.pk) == [f"its periodic task's name, {name}, is no key, since {reason}"]


def test_a_task_named_as_such_a_key_gets_a_job_of_its_own(make_task: MakeTask) -> None:
    number, other = make_task("12"), make_task("job-12")

    absorb_edits(now=database_now())

    keys = dict(Job.objects.values_list("periodic_task_id", "key"))
    assert keys == {number.pk: "job-12", other.pk: "job-12-2"}


def test_an_edit_in_the_stock_admin_form_takes_effect(make_task: MakeTask) -> None:
    task = make_task()
    absorb()
    client = _admin()
    page = client.get(f"/admin/django_celery_beat/periodictask/{task.pk}/change/")
    other, _ = CrontabSchedule.objects.get_or_create(minute="0", hour="5", timezone="UTC")

    response = client.post(
        f"/admin/django_celery_beat/periodictask/{task.pk}/change/",
        {**untouched(page), "crontab": other.pk},
    )

    assert response.status_code == 302, response.context["errors"]
    assert next_hour(absorb()) == 5


def test_an_admin_action_takes_effect(make_task: MakeTask) -> None:
    task = make_task()
    absorb()

    _admin().post(
        "/admin/django_celery_beat/periodictask/",
        {"action": "disable_tasks", "_selected_action": [task.pk]},
    )

    job = absorb()
    assert (job.is_enabled, job.next_run_at) == (False, None)


def test_a_queryset_update_takes_effect(make_task: MakeTask) -> None:
    make_task()
    absorb()
    CrontabSchedule.objects.update(hour="6")

    assert next_hour(absorb()) == 6


def test_raw_sql_takes_effect(make_task: MakeTask) -> None:
    task = make_task()
    absorb()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE django_celery_beat_periodictask SET enabled = %s WHERE id = %s",
            [False, task.pk],
        )

    assert absorb().next_run_at is None


@pytest.mark.parametrize("how", ["orm", "sql"])
def test_a_deleted_task_ends_its_job_and_keeps_the_history(make_task: MakeTask, how: str) -> None:
    task = make_task()
    job = absorb()
    Job.objects.filter(pk=job.pk).update(next_due_at=job.next_run_at)
    if how == "orm":
        task.delete()
    else:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_celery_beat_periodictask WHERE id = %s", [task.pk])

    job = absorb()

    assert (job.is_enabled, job.is_active, job.next_run_at) == (False, False, None)
    assert job.invalid_reason == "Its periodic task was deleted."


def test_a_task_with_the_old_name_of_a_renamed_one_gets_a_job_of_its_own(
    make_task: MakeTask,
) -> None:
    renamed = make_task()
    absorb()
    PeriodicTask.objects.filter(pk=renamed.pk).update(name="at three")
    others = [make_task(hour="4")]
    absorb_edits(now=database_now())
    PeriodicTask.objects.filter(pk=others[0].pk).update(name="at four")
    others.append(make_task(hour="5"))
    absorb_edits(now=database_now())

    jobs = Job.objects.order_by("pk")
    assert [(job.key, job.periodic_task_id, next_hour(job)) for job in jobs] == [
        ("nightly", renamed.pk, 3),
        ("nightly-2", others[0].pk, 4),
        ("nightly-3", others[1].pk, 5),
    ]


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("name", ["nightly", "reports/nightly"])
def test_a_task_made_anew_under_its_name_takes_its_job_over(
    make_task: MakeTask, name: str, at_once: bool
) -> None:
    gone = make_task(name)
    job = absorb()
    Job.objects.update(key=name)  # as earlier versions named it
    gone.delete()
    if not at_once:
        absorb()
    again = make_task(name, hour="4")

    taken = absorb()

    assert (taken.pk, taken.periodic_task_id, taken.is_active) == (job.pk, again.pk, True)
    assert next_hour(taken) == 4


def test_an_edit_of_the_description_keeps_the_next_run(make_task: MakeTask) -> None:
    task = make_task()
    job = absorb()
    due = database_now() - timedelta(seconds=1)
    Job.objects.filter(pk=job.pk).update(next_run_at=due, next_due_at=due)
    task.description = "Another one"
    task.save()

    job = absorb()

    assert (job.next_run_at, job.version) == (due, 1)


def test_an_edit_never_fires_the_past(make_task: MakeTask) -> None:
    make_task()
    absorb()
    now = database_now()
    CrontabSchedule.objects.update(minute=str((now - timedelta(minutes=1)).minute), hour="*")

    job = absorb()

    assert job.next_run_at is not None
    assert job.next_run_at > now
    plan_due(now=database_now())
    assert not Run.objects.exists()


def test_what_was_due_before_an_edit_is_still_the_old_timetable_s(make_task: MakeTask) -> None:
    make_task()
    job = absorb()
    due = database_now() - timedelta(seconds=10)
    Job.objects.filter(pk=job.pk).update(next_run_at=due, next_due_at=due)
    CrontabSchedule.objects.update(hour="6")

    job = absorb()

    assert Run.objects.get().scheduled_at == due
    assert next_hour(job) == 6
    assert list(ScheduleVersion.objects.values_list("number", flat=True)) == [1, 2]


def test_bookkeeping_of_the_stock_columns_is_no_edit(make_task: MakeTask) -> None:
    make_task()
    absorb()
    PeriodicTask.objects.update(last_run_at=database_now(), total_run_count=7)

    assert not Touched.objects.exists()


def test_an_interval_is_anchored_and_keeps_its_anchor() -> None:
    interval = IntervalSchedule.objects.create(every=10, period="minutes")
    PeriodicTask.objects.create(name="often", task="sample_jobs.add", args="[1]", interval=interval)
    job = absorb()
    anchor = job.interval_anchor
    assert job.next_run_at is not None
    assert anchor is not None
    assert job.next_run_at == anchor + timedelta(minutes=10)

    IntervalSchedule.objects.update(every=20)

    job = absorb()
    assert job.interval_anchor == anchor
    assert job.next_run_at == anchor + timedelta(minutes=20)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"task": "os.system"}, "task is 'os.system'"),
        ({"args": '["seven"]'}, "x is 'seven'"),
        ({"args": "{"}, "args is '{'"),
        ({"kwargs": json.dumps({"z": 1})}, "unexpected keyword argument 'z'"),
    ],
)
def test_a_task_that_cannot_run_is_shown_as_invalid(
    make_task: MakeTask, fields: dict[str, str], reason: str
) -> None:
    make_task(**fields)
    make_task("healthy")
    absorb_edits(now=database_now())

    broken = Job.objects.get(key="nightly")
    assert reason in broken.invalid_reason
    assert broken.next_run_at is None
    assert Job.objects.get(key="healthy").next_run_at is not None


def test_a_job_whose_own_timetable_sql_has_corrupted_is_read_again_from_its_periodic_task(
    make_task: MakeTask,
) -> None:
    make_task()
    before = absorb()
    Job.objects.update(timetable={}, next_due_at=database_now())
    plan_due(now=database_now())
    assert Job.objects.get().invalid_reason

    assert read_invalid_again(now=database_now()) == 1

    job = Job.objects.get()
    assert (job.timetable, job.next_run_at) == (before.timetable, before.next_run_at)
    assert job.invalid_reason == ""


@pytest.mark.parametrize(("field", "value"), [("minute", "61"), ("timezone", "Mars/Olympus")])
def test_a_schedule_that_sql_has_corrupted_stops_nothing_else(
    make_task: MakeTask, field: str, value: str
) -> None:
    broken = make_task()
    make_task("healthy", hour="4")
    absorb_edits(now=database_now())
    change = f"UPDATE django_celery_beat_crontabschedule SET {field} = %s WHERE id = %s"  # noqa: S608
    run_sql(change, value, broken.crontab_id)
    absorb_edits(now=database_now())

    assert value in Job.objects.get(key="nightly").invalid_reason
    assert Job.objects.get(key="healthy").next_run_at is not None


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps such values out")
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("start_time", "tomorrow"),
        ("start_time", 5),
        ("expires", "2026-02-30 00:00:00"),
        ("last_run_at", "?"),
        ("enabled", "maybe"),
        ("priority", "high"),
        ("crontab_id", 999),
        ("crontab_id", "x"),
        ("name", NOT_UTF8),
        ("kwargs", NOT_UTF8),
        ("description", NOT_UTF8),
    ],
)
def test_a_periodic_task_that_sql_has_corrupted_stops_nothing_else(
    make_task: MakeTask, column: str, value: object
) -> None:
    broken = make_task()
    make_task("healthy", hour="4")
    absorb_edits(now=database_now())
    run_sql("PRAGMA foreign_keys = OFF")  # as for everybody who does not ask for them
    task = f"UPDATE django_celery_beat_periodictask SET {column} = %s, task = 'sample_jobs.add'"  # noqa: S608
    held = f"CAST(X'{NOT_UTF8.hex()}' AS TEXT)" if value == NOT_UTF8 else "%s"
    values = [] if value == NOT_UTF8 else [value]
    run_sql(f"{task} WHERE id = %s".replace("%s", held, 1), *values, broken.pk)
    CrontabSchedule.objects.filter(hour="4").update(hour="5")

    absorb_edits(now=database_now())

    job = Job.objects.get(key="nightly")
    shown = r"caf\\xe9" if value == NOT_UTF8 else value
    assert job.invalid_reason.startswith(f"{column} is '{shown}': ")
    assert (job.is_enabled, job.next_run_at) == (True, None)  # `doctor` lists what is enabled
    assert next_hour(Job.objects.get(key="healthy")) == 5
    run_sql("DELETE FROM django_celery_beat_periodictask")


def test_an_invalid_job_can_be_disabled_and_deleted(make_task: MakeTask) -> None:
    broken = make_task()
    absorb()
    run_sql("UPDATE django_celery_beat_crontabschedule SET timezone = 'Mars'")
    job = absorb()
    assert (job.is_enabled, job.invalid_reason != "") == (True, True)
    who: dict[str, Any] = {"by": "ada", "source": "api", "now": database_now()}

    with pytest.raises(InvalidInput, match="Mars"):
        update_job(job, changes={"args": [2]}, **who)
    disabled = disable_job(job, **who)
    deleted = delete_job(job, **who)

    assert (disabled.is_enabled, deleted.is_active) == (False, False)
    assert PeriodicTask.objects.values_list("enabled", flat=True).get(pk=broken.pk) is False


def test_existing_crontabs_keep_their_meaning_of_two_day_fields(make_task: MakeTask) -> None:
    make_task()
    CrontabSchedule.objects.update(day_of_month="13", day_of_week="5")

    timetable = from_spec(absorb().timetable or {})

    assert isinstance(timetable, Cron)
    assert timetable.day_rule == "all"
    assert timetable.next_after(datetime(2026, 1, 1, tzinfo=UTC)) == datetime(
        2026, 2, 13, 3, 0, tzinfo=UTC
    )


def _admin() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client
