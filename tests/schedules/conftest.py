"""Rows for the tests of the framework."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schedules.models import Job, Run
from schedules.states import WAITING, Origin
from schedules.timing import Every, to_spec
from tests.schedules import sample_jobs  # noqa: F401 - declares the tasks


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def make_job(now: datetime) -> Callable[..., Job]:
    """Make an enabled job of `sample_jobs.add` that is due every minute."""

    def make(key: str = "minutely", *, due: datetime | None = None, **fields: Any) -> Job:
        timetable = fields.pop("timetable", Every(timedelta(minutes=1)))
        values: dict[str, Any] = {
            "task": "sample_jobs.add",
            "args": [1],
            "timetable": to_spec(timetable),
            "next_run_at": due or now,
            "next_due_at": due or now,
            "version": 1,
        }
        return Job.objects.create(key=key, **{**values, **fields})

    return make


@pytest.fixture
def make_run(now: datetime) -> Callable[..., Run]:
    """Make a planned run of a task that is due."""

    def make(task: str = "sample_jobs.add", *args: Any, **fields: Any) -> Run:
        values: dict[str, Any] = {
            "task": task,
            "args": list(args),
            "origin": Origin.CALL,
            "scheduled_at": now,
            "due_at": now,
        }
        run = Run(**{**values, **fields})
        if run.state in WAITING and run.publish_at is None:
            run.publish_at = run.due_at
        run.save()
        return run

    return make
