"""`python -m bench.pictures`: the README's pictures, from demo data with a made-up past.

Works on a database of its own, which is thrown away; needs Chromium.
"""

import os
import sys
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"
PAST = timedelta(days=360)
MOST_OF_A_JOB = 3000
TROUBLE = {17: "failed", 41: "missed", 67: "skipped", 83: "timed_out"}
"""Which of a hundred runs did not succeed."""


class Server(ThreadingMixIn, WSGIServer):
    """Answers several requests at once, as a browser makes them."""

    daemon_threads = True


class Silent(WSGIRequestHandler):
    """Writes no line for each request."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def prepare(now: datetime) -> int:
    """Make tables, demo data and a past; return the number of a job for the pictures."""
    from django.contrib.auth.models import User
    from django.core.management import call_command

    from schedules.models import Job
    from schedules.operations.day_totals import add_up_ended
    from schedules.operations.edit import update_job
    from schedules.operations.switch import pause_job

    call_command("migrate", verbosity=0)
    call_command("scheduler", "install", stdout=sys.stderr)
    call_command("demo", stdout=sys.stderr)
    User.objects.create_superuser("admin", password=None)
    long_ago = now - PAST
    Job.objects.update(ledger_from=long_ago)
    worker = _instances(now)
    for job in Job.objects.order_by("pk"):
        _past(job, since=long_ago, now=now, worker=worker)
    for key in ("check_memberships", "expire_leave_requests", "email_weekly_report"):
        job = Job.objects.get(key=key)
        update_job(job, changes={"enabled": True}, by="siti", source="dashboard", now=now)
    paused = Job.objects.get(key="calculate_absentees")
    until = now + timedelta(hours=6)
    reason = "devices in Surabaya are being replaced"
    pause_job(paused, by="siti", source="dashboard", now=now, until=until, reason=reason)
    for _ in range(PAST.days + 40):
        add_up_ended(now=now)
    return Job.objects.get(key="auto_create_daily_attendance").pk


def _instances(now: datetime) -> Any:
    from schedules.models import Instance

    common = {"host": "jobs-1", "status": "running", "heartbeat_at": now, "started_at": now - PAST}
    Instance.objects.create(kind="beat", name="beat@jobs-1/71", pid=71, **common)
    Instance.objects.create(kind="beat", name="beat@jobs-2/64", pid=64, **common)
    return Instance.objects.create(kind="worker", name="worker@jobs-1", pid=72, **common)


def _past(job: Any, *, since: datetime, now: datetime, worker: Any) -> None:
    """Write the job's newest occurrences as ended runs, nearly all of them successes."""
    from django.db.models import F

    from schedules.models import Run
    from schedules.timing import from_spec

    timetable = from_spec(job.timetable)
    instants: list[datetime] = []
    instant = timetable.next_after(since)
    while instant is not None and instant <= now:
        instants.append(instant)
        instant = timetable.next_after(instant)
    runs = []
    for place, at in enumerate(instants[-MOST_OF_A_JOB:]):
        state = TROUBLE.get((place * 37 + job.pk * 11) % 100, "succeeded")
        if place % 3 and state != "succeeded":
            state = "succeeded"
        began = at + timedelta(milliseconds=40 + place * 7919 % 300)
        took = timedelta(milliseconds=200 + (place * 613 % 97) * (5 + job.pk * 3))
        is_run = state not in ("missed", "skipped")
        runs.append(
            Run(
                job=job,
                job_key=job.key,
                origin="timetable",
                task=job.task,
                kwargs=job.kwargs,
                scheduled_at=at,
                due_at=at,
                state=state,
                attempt=int(is_run),
                sends=1,
                sent_at=at + timedelta(milliseconds=12) if is_run else None,
                instance_id=worker.pk,
                pid=72,
                started_at=began if is_run else None,
                finished_at=began + took,
                reason="" if is_run else "an earlier run was not done",
                error="ConnectionError: the directory does not answer" if state == "failed" else "",
                summary=f"{place % 23} rows" if state == "succeeded" else "",
            )
        )
    Run.objects.bulk_create(runs, batch_size=1000)
    Run.objects.filter(job=job).update(created_at=F("scheduled_at"))
    if job.is_enabled:
        job.next_run_at = job.next_due_at = timetable.next_after(now)
        job.save(update_fields=["next_run_at", "next_due_at"])


def look_alive(now: datetime) -> None:
    """Bring heartbeats and next occurrences up to now, as Beats and workers would."""
    from schedules.models import Instance, Job
    from schedules.timing import from_spec

    Instance.objects.update(heartbeat_at=now)
    for job in Job.objects.enabled():
        job.next_run_at = job.next_due_at = from_spec(job.timetable or {}).next_after(now)
        job.save(update_fields=["next_run_at", "next_due_at"])


def take(job: int) -> None:
    """Open the pages and keep what they show."""
    from django.contrib.auth.models import User
    from django.test import Client
    from playwright.sync_api import sync_playwright

    from project.wsgi import application
    from tests.in_browser.chromium import chromium

    server = make_server("127.0.0.1", 0, application, Server, Silent)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    client = Client()
    client.force_login(User.objects.get(username="admin"))
    cookie: Any = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": address}
    FOLDER.mkdir(parents=True, exist_ok=True)
    shots: Any = (
        ("overview", "", "light", "en"),
        ("jobs-arabic", "jobs/", "dark", "ar"),
        ("job", f"jobs/{job}/?tab=calendar", "dark", "en"),
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for name, path, theme, language in shots:
            context = browser.new_context(
                viewport={"width": 1360, "height": 860},
                color_scheme=theme,
                extra_http_headers={"Accept-Language": language},
            )
            context.add_cookies([cookie])
            page = context.new_page()
            look_alive(datetime.now(UTC))
            page.goto(f"{address}/scheduler/{path}")
            page.wait_for_load_state("networkidle")
            page.screenshot(path=str(FOLDER / f"{name}.png"))
            context.close()
        browser.close()


def main() -> None:
    """Make the pictures."""
    with tempfile.TemporaryDirectory(prefix="downbeat-pictures-") as folder:
        os.environ |= {
            "DATA_DIR": folder,
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "DJANGO_ALLOW_ASYNC_UNSAFE": "1",
        }
        for name in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        import django

        django.setup()
        take(prepare(datetime.now(UTC)))


if __name__ == "__main__":
    main()
