"""A call becomes one row, due by the database's clock, in one statement."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from celery import current_app
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from schedules.errors import InvalidInput
from schedules.models import Run
from schedules.querysets.clock import database_now

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def call(**options: Any) -> Run:
    """Call a declared task by its name; return its row."""
    result = current_app.send_task("sample_jobs.add", (1, 2), **options)
    return Run.objects.get(task_id=result.id)


def whole(run: Run) -> tuple[timedelta, timedelta | None, bool, int]:
    """When it is due and ends, from its writing on, to the minute; whether it is sent at once."""

    def minutes(at: datetime) -> timedelta:
        return timedelta(minutes=round((at - run.created_at) / timedelta(minutes=1)))

    assert run.scheduled_at == run.due_at
    assert run.publish_at is not None
    ends = None if run.expires_at is None else minutes(run.expires_at)
    return minutes(run.due_at), ends, run.publish_at > run.due_at, run.sends


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (lambda _: {}, (timedelta(0), None, True, 1)),
        (lambda now: {"eta": now - HOUR}, (timedelta(0), None, True, 1)),
        (lambda now: {"eta": now + HOUR, "expires": now + 2 * HOUR}, (HOUR, 2 * HOUR, False, 0)),
        (lambda now: {"eta": (now + HOUR).isoformat(), "countdown": 1}, (HOUR, None, False, 0)),
        (lambda _: {"countdown": 3600, "expires": 7200.5}, (HOUR, 2 * HOUR, False, 0)),
        (lambda _: {"countdown": -5, "expires": -60}, (timedelta(0), -HOUR / 60, True, 1)),
    ],
)
def test_a_call_is_due_when_its_caller_said_and_never_in_the_past(
    options: Callable[[datetime], dict[str, Any]], expected: object
) -> None:
    run = call(**options(database_now()))

    assert whole(run) == expected
    assert run.due_at >= run.created_at or connection.vendor == "sqlite"


def test_a_call_is_one_statement_on_a_server(now: datetime) -> None:
    with CaptureQueriesContext(
        connection,
    ) as statements:
        current_app.send_task("sample_jobs.add", (1, 2), eta=now)

    assert len(statements) == 1


def test_a_call_applied_twice_keeps_its_row_and_is_sent_again(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    task_id = str(uuid4())
    first = call(task_id=task_id)

    with django_capture_on_commit_callbacks() as callbacks:
        again = call(task_id=task_id, countdown=0)

    assert (again.pk, again.due_at) == (first.pk, first.due_at)
    assert len(callbacks) == 1


@pytest.mark.parametrize("name", ["countdown", "expires"])
def test_an_instant_beyond_what_can_be_read_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match=name):
        call(**{name: 1e12})

    assert not Run.objects.exists()


def test_a_naive_instant_is_in_utc() -> None:
    run = call(eta=datetime(2090, 1, 1, 5))  # noqa: DTZ001 - as Celery takes it

    assert run.due_at == datetime(2090, 1, 1, 5, tzinfo=UTC)
