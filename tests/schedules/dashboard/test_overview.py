"""The overview page: who may see it, what it says, what it costs, what it cannot be made to do."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

import schedules
from schedules.models import Instance, Job, Run
from schedules.querysets.clock import database_now
from schedules.states import InstanceKind, InstanceStatus, Origin, RunState
from schedules.timing import Every, to_spec

Make = Callable[..., Any]
pytestmark = pytest.mark.django_db

PACKAGE = Path(schedules.__file__).parent
TEMPLATES = sorted((PACKAGE / "templates" / "schedules").glob("*.html"))
STYLES = PACKAGE / "static" / "schedules" / "dashboard.css"


@pytest.fixture
def client() -> Client:
    """The browser of a member of staff who may view the scheduler."""
    user = User.objects.create_user("siti", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_scheduler"))
    browser = Client()
    browser.force_login(user)
    return browser


def page_of(client: Client, **query: str) -> str:
    response = client.get("/scheduler/", query)
    assert response.status_code == 200
    return str(response.content.decode())


def test_strangers_are_sent_to_the_login() -> None:
    response = Client().get("/scheduler/")

    assert response.status_code == 302
    assert response.headers["Location"].endswith("?next=/scheduler/")


@pytest.mark.parametrize(
    ("is_staff", "permission"), [(True, None), (False, "view_scheduler"), (False, None)]
)
def test_others_are_refused(is_staff: bool, permission: str | None) -> None:
    user = User.objects.create_user("other", is_staff=is_staff)
    if permission:
        user.user_permissions.add(Permission.objects.get(codename=permission))
    browser = Client()
    browser.force_login(user)

    assert browser.get("/scheduler/").status_code == 403


def test_empty_it_says_what_to_do(client: Client) -> None:
    page = page_of(client)

    assert "No Beat is ticking" in page
    assert "manage.py scheduler install" in page
    assert "Nothing has run yet" in page
    assert "No one-off call waits" in page
    assert "No Beat or worker was ever here" in page


def test_full_it_shows_jobs_runs_one_offs_and_instances(
    client: Client, make_job: Make, make_run: Make
) -> None:
    now = database_now()
    beat = Instance.objects.create(
        kind=InstanceKind.BEAT,
        name="beat@one",
        host="one",
        pid=17,
        status=InstanceStatus.RUNNING,
        started_at=now,
        heartbeat_at=now,
    )
    job = make_job("nightly", due=now + timedelta(minutes=5), name_en="Every night")
    make_run(
        job=job,
        job_key=job.key,
        origin=Origin.TIMETABLE,
        state=RunState.SKIPPED,
        finished_at=now,
        reason="overlap with an earlier run",
        instance_id=beat.pk,
    )
    later = now + timedelta(days=365)
    make_run(natural_key="meetings.end_meeting:17", scheduled_at=later, due_at=later)

    page = page_of(client)

    for text in (
        *("Beat is ticking", "Every night", "every 1 min", "in 5 min"),
        *("skipped", "overlap with an earlier run", "beat@one"),
        *("meetings.end_meeting:17", f'<time datetime="{later:%FT%TZ}">'),
    ):
        assert text in page, text


def test_what_went_in_and_came_out_is_not_on_it(client: Client, make_run: Make) -> None:
    make_run(
        "sample_jobs.add",
        4711,
        state=RunState.FAILED,
        finished_at=database_now(),
        error="canary-error",
        summary="canary-summary",
    )

    page = page_of(client)

    assert "canary" not in page
    assert "4711" not in page


def test_stored_text_stays_text(client: Client, make_job: Make, make_run: Make) -> None:
    evil = "<script>alert(1)</script>"
    make_job(evil, name_en=evil, invalid_reason=evil)
    make_run(job_key=evil, state=RunState.SKIPPED, reason=evil, finished_at=database_now())

    assert "<script" not in page_of(client)


def test_its_policy_allows_no_script_and_nothing_from_elsewhere(client: Client) -> None:
    headers = client.get("/scheduler/").headers

    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert "no-store" in headers["Cache-Control"]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_carries_script_or_style(template: Path) -> None:
    text = template.read_text()

    assert not re.search(r"<(script|style)|\sstyle=|\son\w+=|javascript:|https?://", text)


def test_styles_know_both_directions_and_both_themes() -> None:
    styles = STYLES.read_text()

    assert "prefers-color-scheme: dark" in styles
    assert not re.search(r"(margin|padding|border)-(left|right)|text-align: (left|right)", styles)


class Outline(HTMLParser):
    """Collects what an assistive program goes by."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}
        self.cells_without_scope = 0
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        found = dict(attrs)
        if tag == "th" and "scope" not in found:
            self.cells_without_scope += 1
        if found.get("id"):
            self.ids.append(str(found["id"]))


def test_it_can_be_read_without_seeing_it(client: Client, make_job: Make, make_run: Make) -> None:
    make_job()
    make_run()
    page = page_of(client)

    outline = Outline()
    outline.feed(page)

    counts = outline.counts
    assert (counts["h1"], counts["main"], counts["header"]) == (1, 1, 1)
    assert counts["table"] == counts["caption"]
    assert outline.cells_without_scope == 0
    assert len(outline.ids) == len(set(outline.ids))
    assert 'class="skip" href="#main"' in page
    assert '<html lang="en" dir="ltr">' in page


def test_in_arabic_it_reads_from_right_to_left(client: Client) -> None:
    response = client.get("/scheduler/", headers={"accept-language": "ar"})

    assert '<html lang="ar" dir="rtl">' in response.content.decode()


def test_it_costs_the_same_however_many_rows(
    client: Client, now: datetime, django_assert_max_num_queries: Any
) -> None:
    spec = to_spec(Every(timedelta(minutes=1)))
    jobs = Job.objects.bulk_create(
        Job(key=f"job{n}", task="sample_jobs.add", timetable=spec, next_run_at=now)
        for n in range(250)
    )
    Run.objects.bulk_create(
        Run(
            job=job,
            job_key=job.key,
            origin=Origin.TIMETABLE,
            task=job.task,
            scheduled_at=now + timedelta(minutes=minute),
            due_at=now,
            state=RunState.SUCCEEDED,
            finished_at=now,
        )
        for job in jobs
        for minute in range(4)
    )

    with django_assert_max_num_queries(16):
        page = page_of(client)

    assert page.count('scope="row"') == 150
    assert "Page 1 of 3" in page
    assert "job99" in page_of(client, page="3")


@pytest.mark.parametrize("page", ["0", "-1", "9999", "x", "1e9"])
def test_a_page_that_does_not_exist_shows_another(
    client: Client, make_job: Make, page: str
) -> None:
    make_job("only")

    assert "only" in page_of(client, page=page)
