"""Readers of the dashboard, and rows for its pages."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from schedules.models import Attempt, AuditEntry, Instance, Job, Run, TaskFunction
from schedules.querysets.clock import database_now
from schedules.states import InstanceKind, InstanceStatus, Origin, RunState
from schedules.timing import Cron

Make = Callable[..., Any]


@pytest.fixture
def now() -> datetime:
    """The pages read the clock, so their rows are of this very moment."""
    return database_now()


@pytest.fixture
def reader() -> Callable[..., Client]:
    """Make a browser of a member of staff with the given permissions."""

    def make(*permissions: str, is_staff: bool = True) -> Client:
        user = User.objects.create_user("siti", is_staff=is_staff)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        browser = Client()
        browser.force_login(user)
        return browser

    return make


@pytest.fixture
def viewer(reader: Callable[..., Client]) -> Client:
    """The browser of someone who may only look."""
    return reader("view_scheduler")


@pytest.fixture
def operator(reader: Callable[..., Client]) -> Client:
    """The browser of someone who may do everything."""
    return reader("view_scheduler", "view_run_details", "operate_scheduler", "manage_scheduler")


@pytest.fixture
def job(make_job: Make, now: datetime) -> Job:
    """A job that was changed, is paused, and has run in every way."""
    TaskFunction.objects.create(key="add", task="sample_jobs.add", name_en="Add", arguments={})
    made: Job = make_job(
        "nightly",
        due=now + timedelta(minutes=5),
        timetable=Cron("30 2 * * *", tz="Europe/Berlin"),
        name_en="Every night",
        name_ar="كل ليلة",
        pause_reason="we move the database",
        paused_at=now,
        paused_by="siti",
    )
    return made


@pytest.fixture
def runs(job: Job, make_run: Make, now: datetime) -> list[Run]:
    """One run of each outcome, one that waits and one that is parked."""
    made = []
    for place, state in enumerate(RunState):
        at = now - timedelta(minutes=10 + place)
        ended = state not in ("planned", "sent", "running", "retrying")
        run = make_run(
            job=job,
            job_key=job.key,
            origin=Origin.TIMETABLE,
            state=state,
            scheduled_at=at,
            due_at=at,
            slot=1 if state == "running" else None,
            started_at=None if state in ("planned", "sent", "missed", "skipped") else at,
            finished_at=now if ended else None,
            reason="an earlier run was not done" if state == "skipped" else "",
            error="ValueError: row 17" if state == "failed" else "",
        )
        made.append(run)
    Attempt.objects.create(
        run=made[5], number=1, started_at=now, ended_at=now, outcome="failed", error="ValueError"
    )
    later = now + timedelta(days=365)
    made.append(make_run(natural_key="meetings.end:17", scheduled_at=later, due_at=later))
    AuditEntry.objects.create(
        at=now,
        actor="siti",
        action="edit",
        subject=f"job:{job.key}",
        source="dashboard",
        before={"priority": 0},
        after={"priority": 5},
        reason="because",
    )
    Instance.objects.create(
        kind=InstanceKind.BEAT,
        name="beat@one",
        host="one",
        pid=17,
        status=InstanceStatus.RUNNING,
        started_at=now,
        heartbeat_at=now,
    )
    return made
