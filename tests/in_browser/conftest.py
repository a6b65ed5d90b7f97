"""A browser, somebody who is logged in, and rows on every page."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from schedules.models import Job, Run, TaskFunction
from schedules.operations.create import create_job
from schedules.querysets.clock import database_now
from schedules.states import Origin, RunState
from tests.in_browser.chromium import chromium
from tests.schedules import sample_jobs  # noqa: F401 - declares the tasks
from tests.schedules.conftest import make_run  # noqa: F401 - a fixture

Open = Callable[..., Page]

UNANSWERED = ("Failed to load resource", "Response Status Error Code", "htmx:")
"""How the browser and htmx begin to say that the server did not do its part."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's Chromium; without one the tests are skipped."""
    path = chromium()
    if not path:
        pytest.skip("there is no Chromium on this machine: install it, or name one with CHROMIUM")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright's loop runs in this thread, in which the tests use the database as usual.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        # As root it has no sandbox of its own, and it opens nothing but our own pages.
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def now() -> datetime:
    return database_now()


@pytest.fixture
def open_page(browser: Browser, live_server: Any) -> Iterator[Open]:
    """Open a page of the dashboard as a superuser; what its console complains of fails the test,
    unless the page `bears` that the server fails it.
    """
    client = Client()
    client.force_login(User.objects.create_superuser("admin"))
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(
        address: str = "", *, language: str = "en", bears: bool = False, **options: Any
    ) -> Page:
        context = browser.new_context(
            **{"reduced_motion": "reduce", "viewport": {"width": 1280, "height": 900}, **options},
            extra_http_headers={"Accept-Language": language},
            base_url=live_server.url,
        )
        contexts.append(context)
        session = client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": str(live_server.url)}])
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on(
            "console",
            lambda said: (
                complaints.append(said.text)
                if said.type in ("error", "warning")
                and not (bears and said.text.startswith(UNANSWERED))
                else None
            ),
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"/scheduler/{address}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def jobs(transactional_db: None, now: datetime) -> list[Job]:
    """Two jobs, one of them paused."""
    function = TaskFunction.objects.create(
        key="add",
        task="sample_jobs.add",
        name_en="Add",
        name_ar="اجمع",
        arguments={
            "properties": {"x": {"type": "integer"}, "y": {"type": "integer", "default": 2}},
            "required": ["x"],
        },
    )
    made = []
    for key, name, values in (
        ("nightly", "Every night", {"cron_expression": "30 2 * * *", "timezone": "Europe/Berlin"}),
        ("often", "Often", {"interval_minutes": 5}),
    ):
        texts = {"key": key, "name_en": name, "name_ar": "كل ليلة", "kwargs": {"x": 1}}
        made.append(
            create_job(function, values={**values, **texts}, by="siti", source="code", now=now)
        )
    Job.objects.filter(key="often").update(paused_at=now, paused_by="siti", pause_reason="moving")
    return made


@pytest.fixture
def runs(jobs: list[Job], make_run: Callable[..., Run], now: datetime) -> list[Run]:  # noqa: F811
    """A run in each state, and one that is parked."""
    made = []
    for place, state in enumerate(RunState):
        at = now - timedelta(minutes=5 + 7 * place)
        ended = state not in ("planned", "sent", "running", "retrying")
        began = state not in ("planned", "sent", "missed", "skipped")
        made.append(
            make_run(
                job=jobs[0],
                job_key="nightly",
                origin=Origin.TIMETABLE,
                state=state,
                scheduled_at=at,
                due_at=at,
                kwargs={"x": 1, "api_token": "hidden"},
                slot=1 if state == "running" else None,
                started_at=at + timedelta(milliseconds=120) if began else None,
                finished_at=at + timedelta(seconds=3) if ended else None,
                reason="an earlier run was not done" if state == "skipped" else "",
                error="ValueError: row 17" if state == "failed" else "",
                progress={"done": 3, "total": 10} if state == "running" else None,
                log="12:00:00 INFO first\n" if state == "running" else "",
            )
        )
    later = now + timedelta(days=365)
    made.append(make_run(natural_key="meetings.end:17", scheduled_at=later, due_at=later))
    return made
