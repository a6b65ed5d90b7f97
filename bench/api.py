"""`./run python -m bench.api`: what the REST API and the admin cost on a long log, on PostgreSQL.

A million runs, ten thousand jobs and a million audit entries are written by the database itself;
then each page is asked for many times, in this process, with its statements counted. After that the
same database gets a Beat and a worker, and the way from POST to Beat and from trigger to start is
measured. Exits with 1 unless the promised figures are kept. Times are those of a quiet machine.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

API = "/api/v1/scheduler"
PAGES = {
    "jobs": f"{API}/jobs?per_page=20",
    "jobs, last page": f"{API}/jobs?per_page=20&page=500",
    "history": f"{API}/history?per_page=20",
    "history, failed": f"{API}/history?per_page=20&status_id=4",
    "history, missed": f"{API}/history?per_page=20&status_id=5",
    "history, page 1000": f"{API}/history?per_page=20&page=1000",
    "history of a job": f"{API}/jobs/load-1/history?per_page=20",
    "status": f"{API}/status",
}
ADMIN = {
    "admin: runs": "/admin/schedules/run/",
    "admin: failed runs": "/admin/schedules/run/?state=failed",
    "admin: audit": "/admin/schedules/auditentry/",
    "admin: audit of a job": "/admin/schedules/auditentry/?q=job:load-1",
    "admin: results": "/admin/django_celery_results/taskresult/",
    "admin: failed results": "/admin/django_celery_results/taskresult/?status=FAILURE",
    "admin: jobs": "/admin/schedules/job/",
    "admin: periodic tasks": "/admin/django_celery_beat/periodictask/",
}
MOST_MS = {"jobs": 50.0, "history": 50.0}
MOST_STATEMENTS = 6
MOST_TO_BEAT = 1.5
MOST_TO_START = 0.5
TRIGGERED = "triggered"
AUDIT_ENTRIES = (
    "INSERT INTO schedules_auditentry (at, actor, action, subject, source, reason)"
    " SELECT now() - n * interval '1 second', 'user-' || n %% 50, 'trigger',"
    " 'job:load-' || n %% 10000, 'api', '' FROM generate_series(1, %s) AS n"
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 if every promise was kept."""
    options = _parser().parse_args(arguments)
    from project.devstack.postgres import Postgres

    with (
        tempfile.TemporaryDirectory(prefix="downbeat-api-") as folder,
        Postgres() as server,
        _broker(Path(folder)) as redis_url,
    ):
        os.environ |= {
            "DATABASE_URL": server.create_database("api"),
            "REDIS_URL": redis_url,
            "DATA_DIR": folder,
            "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
            "DJANGO_SETTINGS_MODULE": "project.settings",
        }
        figures = _measure(options, Path(folder))
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return 0 if figures["ok"] else 1


@contextmanager
def _broker(folder: Path) -> Iterator[str]:
    """Run a broker, which the settings of this process must know from the beginning."""
    from project.devstack.broker import embedded_broker

    broker = embedded_broker(folder / "valkey")
    process = subprocess.Popen(broker.command, stdout=subprocess.DEVNULL)  # noqa: S603 - ours
    try:
        yield broker.url
    finally:
        process.terminate()
        process.wait(timeout=30)


def _measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("scheduler", "install", stdout=sys.stderr)
    _fill(options)
    pages = measure_pages(times=options.times)
    ok = all(
        page["p95_ms"] <= MOST_MS.get(name, float("inf")) and page["status"] == 200
        for name, page in pages.items()
    )
    lists = [name for name in PAGES if name.startswith(("jobs", "history"))]
    ok &= all(pages[name]["statements"] <= MOST_STATEMENTS for name in lists)
    figures: dict[str, Any] = {"runs": options.runs, "jobs": options.jobs, "pages": pages}
    if options.live:
        live = measure_live(folder, triggers=options.triggers)
        figures["live"] = live
        ok &= live["post_to_first_run_seconds_worst"] <= MOST_TO_BEAT
        ok &= live["trigger_to_start_seconds_p99"] <= MOST_TO_START
    return {**figures, "ok": ok}


def _fill(options: argparse.Namespace) -> None:
    """Write runs, jobs and entries, and let the database know how much there is."""
    from django.db import connection

    from bench.fill import fill
    from schedules.models import Job
    from schedules.querysets.clock import database_now
    from schedules.states import JobType
    from schedules.timing import Cron, to_spec

    now = database_now()
    fill(runs=options.runs, now=now)
    timetable = to_spec(Cron("0 5 * * *"))
    Job.objects.bulk_create(
        [
            Job(
                key=f"load-{number}",
                task="people.nothing",
                name_en=f"Load {number}",
                job_type=JobType.CRON,
                timetable=timetable,
                is_enabled=False,
                version=1,
            )
            for number in range(options.jobs)
        ],
        batch_size=2000,
    )
    with connection.cursor() as cursor:
        cursor.execute(AUDIT_ENTRIES, [options.runs])
        cursor.execute("VACUUM ANALYZE")


def measure_pages(*, times: int) -> dict[str, dict[str, Any]]:
    """Ask for each page so many times; return its times in milliseconds and its statements."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    from schedules.access import create_token
    from schedules.querysets.clock import database_now

    root = get_user_model()._default_manager.create_superuser("bench")
    token = create_token(root, now=database_now()).raw
    machine = Client(headers={"Authorization": f"Bearer {token}"})
    browser = Client()
    browser.force_login(root)
    asked = [(machine, PAGES), (browser, ADMIN)]
    return {
        name: ask(client, address, times=times)
        for client, pages in asked
        for name, address in pages.items()
    }


def ask(client: Any, address: str, *, times: int) -> dict[str, Any]:
    """Ask for one page; return its status, its statements, and its times in milliseconds."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.get(address)  # the first one imports and compiles
    with CaptureQueriesContext(connection) as statements:
        status = client.get(address).status_code
    number = len(statements)  # the next request empties the log
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        client.get(address)
        took.append((time.perf_counter() - begun) * 1000)
    took.sort()
    return {
        "status": status,
        "statements": number,
        "median_ms": round(statistics.median(took), 1),
        "p95_ms": round(took[int(len(took) * 0.95) - 1], 1),
    }


def measure_live(folder: Path, *, triggers: int) -> dict[str, float]:
    """Return how long it takes from POST to the first run, and from a trigger to its start."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    from project.devstack.stack import Stack
    from schedules.access import create_token
    from schedules.querysets.clock import database_now

    user = get_user_model()._default_manager.get(username="bench")
    token = create_token(user, now=database_now()).raw
    machine = Client(headers={"Authorization": f"Bearer {token}"})
    url, broker = os.environ["DATABASE_URL"], os.environ["REDIS_URL"]
    with Stack(folder / "system", database_url=url, redis_url=broker) as stack:
        _post(machine, {"key": TRIGGERED, "cronExpression": "0 0 1 1 *", "overlap": "allow"})
        _trigger_and_wait(machine)  # the first one imports
        to_beat = [_post_and_wait(machine, number) for number in range(5)]
        to_start = sorted(_trigger_and_wait(machine) for _ in range(triggers))
        stack.stop()
    return {
        "post_to_first_run_seconds_worst": round(max(to_beat), 3),
        "trigger_to_start_seconds_median": round(statistics.median(to_start), 3),
        "trigger_to_start_seconds_p99": round(to_start[int(len(to_start) * 0.99) - 1], 3),
    }


def _post_and_wait(machine: Any, number: int) -> float:
    from schedules.models import Job, Run
    from schedules.states import Origin

    made = Job.objects.get(pk=_post(machine, {"key": f"live-{number}", "intervalSeconds": 1}))
    runs = Run.objects.filter(job=made, origin=Origin.TIMETABLE).order_by("id")
    first = _wait(runs.first)
    machine.delete(f"{API}/jobs/{made.pk}")
    return float((first.created_at - made.created_at).total_seconds())


def _post(machine: Any, values: dict[str, Any]) -> int:
    """Make a job of a task that does little, and return its number."""
    values = {"taskFunctionKey": "recover_meetings", "maxInstances": 10, **values}
    answer = machine.post(f"{API}/jobs", values, content_type="application/json")
    assert answer.status_code == 201, answer.content
    return int(answer.json()["id"])


def _trigger_and_wait(machine: Any) -> float:
    from schedules.models import Run

    answer = machine.post(
        f"{API}/jobs/{TRIGGERED}/action",
        {"action": "trigger"},
        content_type="application/json",
    )
    assert answer.status_code == 200, answer.content
    started = Run.objects.filter(task_id=answer.json()["executionId"], finished_at__isnull=False)
    run = _wait(started.first)
    return float((run.started_at - run.created_at).total_seconds())


def _wait(look: Any, patience: timedelta = timedelta(seconds=30)) -> Any:
    give_up = time.monotonic() + patience.total_seconds()
    while time.monotonic() < give_up:
        if found := look():
            return found
        time.sleep(0.01)
    raise SystemExit("bench.api: waited 30 s in vain; see the log of the system")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run python -m bench.api", description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=40, help="how often each page is asked for")
    parser.add_argument("--triggers", type=int, default=200)
    parser.add_argument("--no-live", dest="live", action="store_false", help="pages only")
    return parser


if __name__ == "__main__":
    sys.exit(main())
