"""Every page: who sees it, what it shows, what it costs, and what it cannot be made to do."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.test.utils import CaptureQueriesContext

from schedules.conf import options
from schedules.health import broker_probe
from schedules.models import AuditEntry, Instance, Job, Run
from schedules.states import Origin, RunState
from schedules.timing import Cron, to_spec
from tests.schedules.dashboard.site import addresses, questions, text_of

Make = Callable[..., Any]
pytestmark = pytest.mark.django_db

EVIL = "<script>alert(1)</script>"

MOST_STATEMENTS = 26


def test_strangers_are_sent_to_the_login(job: Job, runs: list[Run]) -> None:
    for address in [*addresses(job, runs[0]), *questions(job, runs[0])]:
        response = Client().get(address)

        assert response.status_code == 302
        assert "/login/?next=/scheduler/" in response.headers["Location"]


@pytest.mark.parametrize(
    ("is_staff", "permission"), [(True, None), (False, "view_scheduler"), (False, None)]
)
def test_others_are_refused(
    reader: Make, job: Job, runs: list[Run], is_staff: bool, permission: str | None
) -> None:
    browser = reader(*([permission] if permission else []), is_staff=is_staff)

    for address in addresses(job, runs[0]):
        assert browser.get(address).status_code == 403


def test_who_may_only_look_is_offered_no_action_and_refused_all(
    viewer: Client, job: Job, runs: list[Run]
) -> None:
    for address in addresses(job, runs[0]):
        page = text_of(viewer, address)
        # The clock and the language; beside them a file may be asked about, which changes nothing.
        asks = address == "/scheduler/timetables/"
        assert page.count('method="post"') == 2 + asks, address
        assert "hx-get=" not in re.sub(r'<(div|form) [^>]*hx-get="[^"]*"', "", page)
    for address in questions(job, runs[0]):
        assert viewer.get(address).status_code == 403
        assert viewer.post(address).status_code == 403


def test_empty_every_page_says_what_to_do(operator: Client) -> None:
    said = {
        "/scheduler/": ("No Beat is ticking", "manage.py scheduler install", "New job"),
        "/scheduler/jobs/": ("No jobs yet", "@job"),
        "/scheduler/jobs/new": ("No task is declared",),
        "/scheduler/runs/": ("Nothing has run yet", "./run up"),
        "/scheduler/runs/failures": ("No failure in this time",),
        "/scheduler/missed/": ("Nothing is late", "Nothing was missed"),
        "/scheduler/one-offs/": ("No one-off call waits",),
        "/scheduler/workers/": ("No Beat or worker was ever here",),
        "/scheduler/audit/": ("Nothing has been changed yet",),
    }
    for address, words in said.items():
        page = text_of(operator, address)
        for word in words:
            assert word in page, (address, word)


def test_full_the_overview_shows_what_matters(
    viewer: Client, job: Job, runs: list[Run], make_job: Make, now: datetime
) -> None:
    make_job("broken", invalid_reason="no such task: x.y", due=now + timedelta(hours=2))
    make_job("often", due=now + timedelta(seconds=30), name_en="Often")

    page = text_of(viewer, "/scheduler/")

    for words in (
        *("Every night", "we move the database", "until resumed"),
        *("no such task: x.y", "Often", "beat@one", "No worker is alive"),
        *("Outcomes per hour", "<svg", "Lateness p95"),
    ):
        assert words in page, words


def test_a_job_shows_its_timetable_in_words_and_in_its_zone(operator: Client, job: Job) -> None:
    page = text_of(operator, "/scheduler/jobs/")

    assert "every day at 02:30" in page
    assert "30 2 * * *" in page
    assert "Berlin" in page


def test_questions_name_a_job_in_the_readers_language(operator: Client, job: Job) -> None:
    for address in ("backfill", "run", "disable"):
        page = text_of(operator, f"/scheduler/jobs/{job.pk}/{address}", accept_language="ar")

        assert re.search(r"<h[12][^>]*>[^<]*كل ليلة", page), address


def test_names_are_in_the_readers_language(operator: Client, job: Job) -> None:
    page = text_of(operator, "/scheduler/jobs/", accept_language="ar")

    assert "كل ليلة" in page
    assert '<html lang="ar" dir="rtl">' in page


def test_what_went_in_and_came_out_is_for_those_who_may_see_it(
    viewer: Client, job: Job, make_run: Make, now: datetime
) -> None:
    run = make_run(
        "sample_jobs.add",
        4711,
        job=job,
        job_key=job.key,
        state=RunState.FAILED,
        finished_at=now,
        error="ValueError: canary-error",
        summary="canary-summary",
        log="canary-log",
        kwargs={"card": "canary-argument"},
    )

    for address in [*addresses(job, run), "/scheduler/runs/?q=canary-error"]:
        page = text_of(viewer, address).replace('value="canary-error"', "")
        assert "canary" not in page.replace("q=canary-error", ""), address
        assert "4711" not in page, address


def test_secret_looking_arguments_are_masked(operator: Client, make_run: Make) -> None:
    run = make_run(kwargs={"api_token": "canary", "deep": [{"password": "canary"}], "plain": 17})

    page = text_of(operator, f"/scheduler/runs/{run.task_id}/")

    assert "canary" not in page
    assert "17" in page


def test_stored_text_stays_text_on_every_page(
    operator: Client, make_job: Make, make_run: Make, now: datetime
) -> None:
    job = make_job(EVIL, name_en=EVIL, invalid_reason=EVIL, pause_reason=EVIL, task=EVIL)
    run = make_run(
        job=job,
        job_key=EVIL,
        natural_key=EVIL,
        state=RunState.FAILED,
        reason=EVIL,
        error=EVIL,
        summary=EVIL,
        log=EVIL,
        requested_by=EVIL,
        finished_at=now,
        kwargs={EVIL: EVIL},
    )
    AuditEntry.objects.create(
        at=now, actor=EVIL, action=EVIL, subject=EVIL, source="cli", reason=EVIL, after={EVIL: EVIL}
    )

    for address in [
        *addresses(job, run),
        f"/scheduler/jobs/{job.pk}/pause",
        "/scheduler/?x=" + EVIL,
    ]:
        page = text_of(operator, address)
        assert "<script>" not in page, address
        assert "alert(1)</script>" not in page, address


def test_a_huge_traceback_leaves_the_page_readable(
    operator: Client, make_run: Make, now: datetime
) -> None:
    from django_celery_results.models import TaskResult

    run = make_run(state=RunState.FAILED, finished_at=now, error="E: " + "x" * 9000)
    TaskResult.objects.create(task_id=str(run.task_id), traceback="line\n" * 400_000)

    page = text_of(operator, f"/scheduler/runs/{run.task_id}/")

    assert len(page) < 150_000
    assert "its end" in page


def test_the_clock_can_be_the_jobs_or_utc_or_ones_own(operator: Client, job: Job) -> None:
    operator.post("/scheduler/preferences", {"clock": "mine", "zone": "Asia/Tokyo", "next": "/x"})
    mine = text_of(operator, "/scheduler/jobs/")
    operator.post("/scheduler/preferences", {"clock": "utc"})
    utc = text_of(operator, "/scheduler/jobs/")

    assert '<span class="zone">Tokyo</span>' in mine
    assert '<span class="zone">Berlin</span>' not in utc


def test_going_back_after_a_preference_stays_on_this_site(viewer: Client) -> None:
    sent = {"clock": "utc", "next": "https://elsewhere.example/"}

    response = viewer.post("/scheduler/preferences", sent)

    assert response.headers["Location"] == "/scheduler/"


def test_every_page_costs_the_same_however_many_rows(
    operator: Client, job: Job, runs: list[Run], make_job: Make, now: datetime
) -> None:
    from django.db import connection

    spec = to_spec(Cron("* * * * *"))
    jobs = Job.objects.bulk_create(
        Job(key=f"job{n}", task="sample_jobs.add", timetable=spec, next_run_at=now)
        for n in range(70)
    )
    Run.objects.bulk_create(
        Run(
            job=each,
            job_key=each.key,
            origin=Origin.TIMETABLE,
            task=each.task,
            scheduled_at=now - timedelta(minutes=minute),
            due_at=now,
            state=RunState.FAILED if minute % 2 else RunState.MISSED,
            finished_at=now,
        )
        for each in jobs
        for minute in range(6)
    )

    for address in addresses(job, runs[0]):
        with CaptureQueriesContext(
            connection,
        ) as captured:
            text_of(operator, address)
        assert len(captured) <= MOST_STATEMENTS, address


@pytest.mark.parametrize("number", ["0", "-1", "9999", "x", "1e9"])
def test_a_page_that_does_not_exist_shows_another(
    viewer: Client, make_job: Make, number: str
) -> None:
    make_job("only")

    assert "only" in text_of(viewer, f"/scheduler/jobs/?page={number}")


def test_what_is_not_there_is_not_found(operator: Client, job: Job) -> None:
    nobody = "00000000-0000-0000-0000-000000000000"
    for address in (
        *("/scheduler/jobs/999999/", "/scheduler/jobs/999999/edit", "/scheduler/jobs/new?task=x"),
        *(f"/scheduler/runs/{nobody}/", f"/scheduler/runs/{nobody}/retry"),
        f"/scheduler/jobs/{job.pk}/explode",
    ):
        assert operator.get(address).status_code == 404, address


def test_a_superuser_sees_everything(job: Job, runs: list[Run]) -> None:
    browser = Client()
    browser.force_login(User.objects.create_superuser("root"))

    for address in [*addresses(job, runs[5]), *questions(job, runs[5])]:
        assert browser.get(address).status_code == 200, address


def test_workers_show_ticks_queues_and_the_way_to_flower(
    viewer: Client,
    job: Job,
    runs: list[Run],
    now: datetime,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from schedules.dashboard.pages import workers

    Instance.objects.update(tick_rate=2.46, longest_tick=timedelta(milliseconds=31))
    Run.objects.filter(pk=runs[5].pk).update(sent_at=now)
    monkeypatch.setitem(settings.SCHEDULES, "flower_url", "https://flower.example.com/x/")
    options.cache_clear()
    monkeypatch.setattr(broker_probe, "glance", lambda: True)
    monkeypatch.setattr(workers, "queue_lengths", lambda: {"celery": 17, "slow": 0})
    page = text_of(viewer, "/scheduler/workers/")
    run = text_of(viewer, f"/scheduler/runs/{runs[5].task_id}/")
    unsent = text_of(viewer, f"/scheduler/runs/{runs[-1].task_id}/")
    monkeypatch.undo()
    options.cache_clear()

    assert "2.5" in page
    assert "longest 31 ms" in page
    assert '<bdi class="code">slow</bdi>' in page
    assert 'href="https://flower.example.com/x/workers"' in page
    assert f'href="https://flower.example.com/x/task/{runs[5].task_id}"' in run
    assert "flower" not in unsent


def test_queues_of_a_broker_that_is_away_are_not_waited_for(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from schedules.dashboard.pages import workers

    monkeypatch.setattr(broker_probe, "glance", lambda: False)
    monkeypatch.setattr(workers, "queue_lengths", lambda: pytest.fail("it was asked"))

    assert "The broker does not answer. What is due is kept" in text_of(
        viewer, "/scheduler/workers/"
    )


def test_a_job_beyond_those_offered_is_offered_where_it_is_chosen(
    viewer: Client, make_job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedules.dashboard.pages.runs.MOST_OFFERED", 1)
    make_job("first")
    second = make_job("second")

    for chosen in (second.pk, second.key):
        page = text_of(viewer, f"/scheduler/runs/?job={chosen}")
        assert f'<option value="{second.pk}" selected>second</option>' in page
    assert ">second<" not in text_of(viewer, "/scheduler/runs/")


def test_a_worker_beyond_those_offered_is_offered_where_it_is_chosen(
    viewer: Client, runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedules.dashboard.pages.runs.MOST_WORKERS", 0)
    instance = Instance.objects.first()
    assert instance is not None

    page = text_of(viewer, f"/scheduler/runs/?worker={instance.pk}")

    assert f'<option value="{instance.pk}" selected>' in page


def test_arguments_in_the_audit_are_for_those_who_may_see_details(
    viewer: Client, job: Job, now: datetime
) -> None:
    AuditEntry.objects.create(
        at=now,
        actor="siti",
        action="trigger",
        subject=f"job:{job.key}",
        source="api",
        after={"kwargs": {"iban": "DE02"}, "args": ["DE03"], "executionId": "17"},
    )
    boss = Client()
    boss.force_login(User.objects.create_superuser("boss"))

    for address in ("/scheduler/audit/", f"/scheduler/jobs/{job.pk}/?tab=changes"):
        whole, narrow = text_of(boss, address), text_of(viewer, address)
        assert "DE02" in whole
        assert "DE03" in whole
        assert "executionId" in narrow
        assert "kwargs" in narrow
        assert "DE0" not in narrow


@pytest.mark.parametrize("address", ["jobs/{job}/", "missed/", "runs/"])
def test_a_wrong_cursor_is_said_to_be_wrong(viewer: Client, job: Job, address: str) -> None:
    response = viewer.get(f"/scheduler/{address.format(job=job.pk)}?cursor=zzz")

    page = response.content.decode()
    assert response.status_code == 400
    assert "the nextCursor of a page before, unchanged" in page
    for lie in ("It has not run yet", "Nothing was missed", "Nothing has run yet"):
        assert lie not in page
