"""W7: from a trigger over the REST API to the first line of the job, on the whole system."""

import http.client
import json
import time
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from bench.marks import FILE as MARKS
from bench.programs import ProgramFailed
from bench.report import Figure, Section, at_most
from bench.work import Bench
from project.devstack.client import connected_to

TITLE = "trigger over the API to the first line of the job"
MOST_P50_MS, MOST_P99_MS = 50.0, 250.0
KEY, MARK = "bench-triggered", "triggered"
WARM = 3
PATIENCE = 30.0


def measure(bench: Bench, section: Section) -> None:
    """Fill in the section."""
    count = bench.wish.size(250, quick=40)  # the API takes 300 of one person in a minute
    found = bench.in_turns({"ours": partial(_ours, bench, count)}, section)["ours"]
    judged = not bench.quick
    for share, most in ((0.50, MOST_P50_MS), (0.99, MOST_P99_MS)):
        section.figures.append(
            Figure(
                name=f"p{share * 100:.0f} of {count}",
                values=[percentile(turn, share) for turn in found],
                unit="ms",
                goal=at_most(most),
                judged=judged,
            )
        )


def percentile(values: list[float], share: float) -> float:
    """Return the value below which that share of the values lies."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def _ours(bench: Bench, count: int) -> list[float]:
    """Trigger again and again; return the milliseconds of each."""
    from project.devstack.stack import Stack, StackFailed

    bench.servers.redis.flushall()
    marks = bench.servers.fresh_file("marks")
    with bench.servers.ours() as url:
        folder = bench.servers.fresh_file("system")
        variables = {
            **bench.servers.environment(url),
            MARKS: str(marks),
            "DATA_DIR": str(folder),
            "BROKER_URL": "",  # it comes as REDIS_URL
            "LOG_LEVEL": "INFO",  # by whose lines the supervisor sees who is ready
        }
        system = Stack(
            folder,
            database_url=url,
            redis_url=bench.servers.broker_url,
            only=("web", "beat", "worker"),
            variables=variables,
        )
        try:
            with connected_to(url), system:
                token = _prepare()
                caller = Caller(system.web, token, marks)
                took = [caller.trigger() for _ in range(WARM + count)]
                system.stop()
        except StackFailed as error:
            last = " / ".join(str(error).splitlines()[-3:])
            raise ProgramFailed(f"{str(error).splitlines()[0]} {last}") from error
    return took[WARM:]


def _prepare() -> str:
    """Make the job and a token for it; return the token."""
    from datetime import timedelta

    from django.contrib.auth import get_user_model
    from django_celery_beat.models import CrontabSchedule, PeriodicTask

    from bench.ours.jobs import NOTE
    from project.devstack.waiting import wait_until
    from schedules.access import create_token
    from schedules.models import Job
    from schedules.querysets.clock import database_now

    yearly, _ = CrontabSchedule.objects.get_or_create(
        minute="0", hour="0", day_of_month="1", month_of_year="1", timezone="UTC"
    )
    PeriodicTask.objects.create(
        name=KEY, task=NOTE, crontab=yearly, kwargs=json.dumps({"name": MARK})
    )
    job = Job.objects.filter(key=KEY)
    wait_until(job.exists, what="the job", timeout=timedelta(seconds=PATIENCE))
    job.update(max_instances=10, overlap="allow")
    user = get_user_model()._default_manager.create_superuser("bench")
    return create_token(user, now=database_now()).raw


class Caller:
    """One client that keeps its connection, as machines do."""

    def __init__(self, url: str, token: str, marks: Path) -> None:
        at = urlsplit(url)
        self.connection = http.client.HTTPConnection(at.hostname or "", at.port or 80, timeout=30)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.marks = marks
        self.seen = 0

    def trigger(self) -> float:
        """Trigger the job; return the milliseconds until its first line."""
        body = json.dumps({"action": "trigger"})
        began = time.time()
        path = f"/api/v1/scheduler/jobs/{KEY}/action"
        self.connection.request("POST", path, body=body, headers=self.headers)
        answer = self.connection.getresponse()
        said = answer.read().decode(errors="replace")
        if answer.status != 200:
            raise ProgramFailed(f"the API answered {answer.status}: {said[:200]}")
        return (self._next_mark() - began) * 1000

    def _next_mark(self) -> float:
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            lines = self.marks.read_text().splitlines() if self.marks.exists() else []
            if len(lines) > self.seen:
                self.seen += 1
                return float(lines[self.seen - 1].rpartition(" ")[2])
            time.sleep(0.002)
        raise ProgramFailed(f"a triggered job did not begin in {PATIENCE:g} s")
