"""`scheduler backfill`: what would run, what runs, and calling it off."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from schedules.models import Backfill
from schedules.operations.create import create_job
from schedules.operations.wording import iso
from schedules.querysets.clock import database_now
from tests.schedules.management.conftest import Answer

pytestmark = pytest.mark.django_db
Scheduler = Callable[..., Answer]


def test_a_range_is_shown_run_listed_and_called_off(scheduler: Scheduler) -> None:
    now = database_now()
    values: dict[str, Any] = {"key": "hourly", "cron_expression": "0 * * * *", "args": [1]}
    create_job("sample_jobs.add", values=values, by="test", source="code", now=now)
    words = ("backfill", "hourly", "--from", iso(now - timedelta(hours=3)), "--json")

    said = scheduler(*words, "--dry-run").document
    made = scheduler(*words, "--newest-first").document
    listed = scheduler("backfill", "hourly")
    ended = scheduler("backfill", "hourly", "--cancel", made["id"], "--json").document

    backfill = Backfill.objects.get()
    assert (said["total"], made["total"], ended["state"]) == (3, 3, "cancelled")
    assert backfill.occurrences == [
        each["scheduledAt"].replace("Z", "+00:00") for each in said["items"][::-1]
    ]
    assert made["id"] in listed.out
    assert scheduler("backfill", "hourly", "--cancel", made["id"]).code == 4
    assert scheduler("backfill", "hourly", "--cancel", "7").code == 3


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("backfill", "nobody"), 3),
        (("backfill", "minutely", "--from", "yesterday"), 2),
        (("backfill", "minutely", "--dry-run"), 2),
        (("backfill", "minutely", "--from", "2026-03-02T00:00:00Z", "--which", "some"), 2),
    ],
)
def test_bad_input_is_one_line(
    scheduler: Scheduler, make_job: Callable[..., Any], words: tuple[str, ...], code: int
) -> None:
    make_job()

    answer = scheduler(*words)

    assert (answer.code, answer.out, answer.err.count("\n")) == (code, "", 1)
