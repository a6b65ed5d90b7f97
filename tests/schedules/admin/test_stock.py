"""django-celery-beat's pages: what is refused, in one sentence; and what works as before."""

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from schedules.models import Job
from tests.sql import run_sql

pytestmark = pytest.mark.django_db
sqlite_only = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="PostgreSQL's columns keep such values out"
)

NO_TASKS = {"periodictask_set-TOTAL_FORMS": "0", "periodictask_set-INITIAL_FORMS": "0"}
"""What the browser sends for the empty table of tasks below a schedule."""

CRONTAB = {
    **NO_TASKS,
    "minute": "0",
    "hour": "5",
    "day_of_month": "*",
    "month_of_year": "*",
    "day_of_week": "*",
    "timezone": "UTC",
}


def address(model: str, page: str, *arguments: object) -> str:
    return reverse(f"admin:django_celery_beat_{model}_{page}", args=arguments)


def errors_of(response: Any) -> dict[str, list[str]]:
    form = response.context["adminform"].form
    return {field: list(errors) for field, errors in form.errors.items()}


@pytest.fixture
def every_minute() -> IntervalSchedule:
    return IntervalSchedule.objects.create(every=1, period="minutes")


def task_form(interval: IntervalSchedule, **changes: object) -> dict[str, object]:
    return {
        "name": "mine",
        "regtask": "",
        "task": "sample_jobs.add",
        "enabled": "on",
        "interval": interval.pk,
        "args": "[1]",
        "kwargs": "{}",
        "headers": "{}",
        **changes,
    }


def test_a_periodic_task_is_made(root: Client, every_minute: IntervalSchedule) -> None:
    response = root.post(address("periodictask", "add"), task_form(every_minute))

    assert response.status_code == 302
    assert PeriodicTask.objects.get(name="mine").task == "sample_jobs.add"


@pytest.mark.parametrize(
    ("changes", "field", "found"),
    [
        ({"task": "os.system"}, "task", "os.system"),
        ({"task": "celery.chain"}, "task", "celery.chain"),
        ({"task": "", "regtask": "celery.backend_cleanup"}, "task", "celery.backend_cleanup"),
        ({"args": "[1"}, "args", "[1"),
        ({"args": '{"x": 1}'}, "args", '{"x": 1}'),
        ({"args": "[" * 100_000}, "args", "[["),
        ({"kwargs": "[]"}, "kwargs", "[]"),
        ({"args": "[]", "kwargs": '{"z": 1}'}, "kwargs", "z"),
        ({"args": '["no number"]'}, None, "no number"),
        (
            {
                "start_time_0": "2026-05-02",
                "start_time_1": "00:00",
                "expires_0": "2026-05-01",
                "expires_1": "00:00",
            },
            "expires",
            "2026-05-01",
        ),
    ],
)
def test_a_task_that_could_never_run_is_refused(
    root: Client,
    every_minute: IntervalSchedule,
    changes: dict[str, object],
    field: str | None,
    found: str,
) -> None:
    response = root.post(address("periodictask", "add"), task_form(every_minute, **changes))

    assert response.status_code == 200
    errors = errors_of(response)
    assert len(errors) == 1, errors
    ((named, (sentence,)),) = errors.items()
    assert field is None or named == field
    assert found in sentence
    assert not PeriodicTask.objects.filter(name="mine").exists()


def test_a_task_needs_a_name(root: Client, every_minute: IntervalSchedule) -> None:
    response = root.post(address("periodictask", "add"), task_form(every_minute, task="x" * 201))

    assert response.status_code == 200
    assert "task" in errors_of(response)


def test_a_crontab_is_made(root: Client) -> None:
    values = {**CRONTAB, "minute": "0, 30", "day_of_week": "mon-fri", "timezone": "Asia/Jakarta"}

    response = root.post(address("crontabschedule", "add"), values)

    assert response.status_code == 302
    assert CrontabSchedule.objects.filter(day_of_week="mon-fri", minute="0,30").exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("minute", "61"),
        ("minute", "mon"),
        ("minute", "0 30"),
        ("hour", "24"),
        ("hour", "a"),
        ("day_of_month", "0"),
        ("day_of_month", "L"),
        ("month_of_year", "13"),
        ("day_of_week", "MON#2"),
        ("day_of_week", "8"),
        ("timezone", "Mars/Olympus"),
    ],
)
def test_a_field_that_makes_no_sense_is_refused_where_it_stands(
    root: Client, field: str, value: str
) -> None:
    before = CrontabSchedule.objects.count()

    response = root.post(address("crontabschedule", "add"), {**CRONTAB, field: value})

    assert response.status_code == 200
    errors = errors_of(response)
    assert list(errors) == [field]
    (sentence,) = errors[field]
    assert sentence.startswith(f"{field} is '{value}': ")
    assert CrontabSchedule.objects.count() == before


@pytest.mark.parametrize(
    ("every", "period", "found"),
    [
        ("1", "microseconds", "1 microseconds"),
        ("999999", "microseconds", "999999 microseconds"),
        ("0", "seconds", "0"),
        ("-5", "minutes", "-5"),
        ("1.5", "minutes", "1.5"),
        ("many", "minutes", "many"),
        ("999999999999", "days", "999999999999 days"),
    ],
)
def test_an_interval_under_a_second_or_beyond_time_is_refused(
    root: Client, every: str, period: str, found: str
) -> None:
    before = IntervalSchedule.objects.count()

    response = root.post(
        address("intervalschedule", "add"), {**NO_TASKS, "every": every, "period": period}
    )

    assert response.status_code == 200
    (sentence,) = errors_of(response)["every"]
    assert sentence.startswith(f"every is '{found}': ")
    assert IntervalSchedule.objects.count() == before


def test_an_interval_of_a_second_is_made(root: Client) -> None:
    root.post(address("intervalschedule", "add"), {**NO_TASKS, "every": "1", "period": "seconds"})

    assert IntervalSchedule.objects.filter(every=1, period="seconds").exists()


def test_a_crontab_damaged_by_hand_takes_no_page_with_it(
    root: Client, every_minute: IntervalSchedule
) -> None:
    damaged = CrontabSchedule.objects.create(minute="0")
    CrontabSchedule.objects.filter(pk=damaged.pk).update(minute="61", hour="x")
    task = PeriodicTask.objects.create(name="mine", task="sample_jobs.add", crontab=damaged)

    pages = [
        address("crontabschedule", "changelist"),
        address("crontabschedule", "change", damaged.pk),
        address("periodictask", "changelist"),
        address("periodictask", "add"),
        address("periodictask", "change", task.pk),
    ]

    assert [root.get(page).status_code for page in pages] == [200] * len(pages)


PAGES = ("periodictask", "crontabschedule", "intervalschedule", "clockedschedule", "solarschedule")


def damage(table: str, pk: int, **values: object) -> None:
    """Write what no form would."""
    ((column, value),) = values.items()
    run_sql(f"UPDATE django_celery_beat_{table} SET {column} = %s WHERE id = %s", value, pk)  # noqa: S608


def texts(response: Any) -> str:
    return unescape(re.sub(r"<[^>]+>", "", response.content.decode()))


@sqlite_only
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("start_time", "tomorrow"),
        ("expires", "2026-02-30 00:00:00"),
        ("last_run_at", 5),
        ("date_changed", "soon"),
        ("enabled", "maybe"),
        ("priority", "high"),
    ],
)
def test_a_broken_column_is_told_and_takes_no_page_with_it(
    root: Client, every_minute: IntervalSchedule, column: str, value: object
) -> None:
    rows = [
        PeriodicTask.objects.create(name=name, task="sample_jobs.add", interval=every_minute)
        for name in ("broken", "healthy")
    ]
    damage("periodictask", rows[0].pk, **{column: value})

    page = root.get(address("periodictask", "changelist"))

    assert page.status_code == 200
    assert f"Periodic task broken cannot be read: {column} is '{value}': " in texts(page)
    assert [task.name for task in page.context["cl"].result_list] == ["healthy"]
    others = [address(model, "changelist") for model in PAGES]
    others += [
        address("intervalschedule", "change", every_minute.pk),
        address("periodictask", "change", rows[1].pk),
        address("periodictask", "delete", rows[0].pk),
    ]
    assert [root.get(other).status_code for other in others] == [200] * len(others)


@sqlite_only
def test_the_form_of_a_broken_row_mends_it(root: Client, every_minute: IntervalSchedule) -> None:
    task = PeriodicTask.objects.create(name="mine", task="sample_jobs.add", interval=every_minute)
    damage("periodictask", task.pk, start_time="tomorrow")
    page = address("periodictask", "change", task.pk)

    shown = root.get(page)
    saved = root.post(
        page, task_form(every_minute, start_time_0="2026-05-02", start_time_1="00:00")
    )

    assert "start_time is 'tomorrow': " in texts(shown)
    assert "It is empty here; what you save replaces it." in texts(shown)
    assert saved.status_code == 302
    task.refresh_from_db()
    assert task.start_time == datetime(2026, 5, 2, tzinfo=UTC)


def test_a_zone_that_does_not_exist_is_told_and_takes_no_page_with_it(
    root: Client, every_minute: IntervalSchedule
) -> None:
    damaged = CrontabSchedule.objects.create(minute="0")
    task = PeriodicTask.objects.create(name="mine", task="sample_jobs.add", crontab=damaged)
    healthy = PeriodicTask.objects.create(name="h", task="sample_jobs.add", interval=every_minute)
    damage("crontabschedule", damaged.pk, timezone="Mars/Olympus")

    pages = [address(model, "changelist") for model in PAGES]
    pages += [
        address("crontabschedule", "change", damaged.pk),
        address("periodictask", "add"),
        address("periodictask", "change", task.pk),
        address("periodictask", "change", healthy.pk),
    ]
    answers = [root.get(page) for page in pages]

    assert [answer.status_code for answer in answers] == [200] * len(pages)
    sentence = "timezone is 'Mars/Olympus': write the IANA name of a time zone"
    assert f"Periodic task mine cannot be read: crontab is '{damaged.pk}': " in texts(answers[0])
    assert sentence in texts(answers[0])
    assert f"Crontab #{damaged.pk} cannot be read: {sentence}" in texts(answers[1])
    mended = root.post(address("crontabschedule", "change", damaged.pk), CRONTAB)
    assert mended.status_code == 302
    assert root.get(pages[0]).context["cl"].result_count == 2


def test_the_list_says_why_a_job_cannot_run(root: Client, every_minute: IntervalSchedule) -> None:
    task = PeriodicTask.objects.create(name="mine", task="sample_jobs.add", interval=every_minute)
    Job.objects.create(key="mine", periodic_task=task, invalid_reason="x is 'seven'.")

    assert "x is 'seven'." in texts(root.get(address("periodictask", "changelist")))


@pytest.mark.parametrize("action", ["enable_tasks", "disable_tasks", "toggle_tasks"])
def test_the_stock_actions_still_work(
    root: Client, every_minute: IntervalSchedule, action: str
) -> None:
    task = PeriodicTask.objects.create(name="mine", task="sample_jobs.add", interval=every_minute)

    root.post(
        address("periodictask", "changelist"), {"action": action, "_selected_action": [task.pk]}
    )

    task.refresh_from_db()
    assert task.enabled is (action == "enable_tasks")
