"""The timeline: what ran is a bar, what is to come a ghost, what overlaps lies above."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from schedules.dashboard.drawing.timeline import told
from schedules.models import DayTotal, Job, Run
from schedules.operations.occurrences import change_occurrence, skip_occurrence
from schedules.operations.timeline import MOST_BARS, timeline
from schedules.states import Origin, RunState
from schedules.timing import Every
from tests.schedules.dashboard.site import text_of

Make = Callable[..., Any]
pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
HOUR = 60 * MINUTE


@pytest.fixture
def hourly(make_job: Make, now: datetime) -> Job:
    due = now + 40 * MINUTE
    made: Job = make_job("hourly", due=due, timetable=Every(HOUR, anchor=due))
    return made


@pytest.fixture
def ran(make_run: Make, hourly: Job, now: datetime) -> Callable[..., Run]:
    def make(ago: timedelta, took: timedelta | None, **fields: Any) -> Run:
        at = now - ago
        values: dict[str, Any] = {
            "job": hourly,
            "job_key": hourly.key,
            "origin": Origin.TIMETABLE,
            "state": RunState.SUCCEEDED,
            "scheduled_at": at,
            "started_at": at,
            "finished_at": None if took is None else at + took,
        }
        run: Run = make_run(**{**values, **fields})
        return run

    return make


def test_runs_and_what_is_to_come_are_told_and_drawn(
    operator: Client, ran: Callable[..., Run]
) -> None:
    ran(2 * HOUR, MINUTE)
    failed = ran(HOUR, MINUTE, state=RunState.FAILED)
    ran(30 * MINUTE, MINUTE, suspect_reason="errors == 0: errors = 1")

    page = text_of(operator, "/scheduler/timeline/?span=6h")

    label = re.search(r'aria-label="(hourly: [^"]+)"', page)
    assert label is not None
    assert re.fullmatch("hourly: 2 succeeded, 1 failed, 1 suspect, [12] planned", label[1])
    assert page.count('class="ghost"') >= 1
    assert f"/scheduler/runs/{failed.task_id}/" in page


def test_a_run_that_overlaps_lies_above_and_one_from_before_reaches_in(
    ran: Callable[..., Run], now: datetime
) -> None:
    before = ran(3 * HOUR, 2 * HOUR + 30 * MINUTE)
    inside = ran(HOUR, 10 * MINUTE)
    ran(4 * HOUR, MINUTE)

    [line] = timeline(since=now - 2 * HOUR, until=now + HOUR, now=now).lines

    assert [run.task_id for run in line.runs] == [before.task_id, inside.task_id]
    assert line.runs[0].scheduled == pytest.approx(-3600, abs=0.01)
    assert line.runs[0].finished == pytest.approx(5400, abs=0.01)
    assert [at - now for at in line.ahead] == [40 * MINUTE]


def test_of_many_runs_it_says_from_where_on_they_are_drawn(
    operator: Client, hourly: Job, now: datetime
) -> None:
    Run.objects.bulk_create(
        Run(
            job=hourly,
            job_key=hourly.key,
            task=hourly.task,
            origin=Origin.OPERATOR,
            state=RunState.SUCCEEDED,
            scheduled_at=now - place * timedelta(seconds=10),
            due_at=now,
            started_at=now - place * timedelta(seconds=10),
            finished_at=now,
        )
        for place in range(MOST_BARS + 10)
    )

    [line] = timeline(since=now - HOUR, until=now, now=now).lines
    page = text_of(operator, "/scheduler/timeline/?span=1h")

    assert len(line.runs) == MOST_BARS
    assert line.drawn_from == pytest.approx(
        now - (MOST_BARS - 1) * timedelta(seconds=10), abs=timedelta(seconds=1)
    )
    assert "the newest 150" in page
    assert len(page) < 100_000


def test_the_work_does_not_grow_with_the_log_or_the_jobs(
    operator: Client, ran: Callable[..., Run], make_job: Make, now: datetime
) -> None:
    def work() -> int:
        with CaptureQueriesContext(connection) as captured:
            text_of(operator, "/scheduler/timeline/?span=7d")
        return len(captured)

    few = work()
    for place in range(40):
        make_job(f"job-{place:02}", due=now + HOUR)
        ran((place + 1) * MINUTE, MINUTE)

    assert work() == few
    page = text_of(operator, "/scheduler/timeline/")
    assert 'rel="next" href="?page=2"' in page
    assert "job-39" in text_of(operator, "/scheduler/timeline/?q=job-39")


def test_a_day_of_the_calendar_leads_to_its_runs(
    operator: Client, hourly: Job, ran: Callable[..., Run], now: datetime
) -> None:
    run = ran(timedelta(0), timedelta(0))
    day = run.scheduled_at.date()
    DayTotal.objects.create(job=hourly, day=day, state="succeeded", number=1, took_ms=1)

    page = text_of(operator, f"/scheduler/jobs/{hourly.pk}/?tab=calendar")

    link = re.search(r'href="(/scheduler/runs/[^"]+)">[^<]+</a></th><td', page)
    assert link is not None
    assert str(run.task_id) in text_of(operator, link[1].replace("&amp;", "&"))


@pytest.mark.parametrize(
    "query", ["span=100y", "at=yesterday", "at=9999-12-31T00:00:00Z", "page=-1", "page=99999999"]
)
def test_what_makes_no_sense_in_the_address_is_left_out(
    operator: Client, hourly: Job, query: str
) -> None:
    assert "Jobs against time" in text_of(operator, f"/scheduler/timeline/?{query}")


def test_the_table_has_the_second_at_which_a_run_was_due(
    operator: Client, ran: Callable[..., Run], now: datetime
) -> None:
    on_the_minute = now.replace(second=0, microsecond=0)
    for place in range(1, 5):
        at = on_the_minute - place * MINUTE
        ran(timedelta(0), timedelta(0), scheduled_at=at, started_at=at, finished_at=at)

    page = text_of(operator, "/scheduler/timeline/?span=1h")

    table = page[page.index("<details") :]
    assert table.count(":00") >= 4
    assert not re.search(r":\d\d:59", table)


def test_what_is_skipped_or_paused_is_not_planned(hourly: Job, now: datetime) -> None:
    first = now + 40 * MINUTE
    who: dict[str, Any] = {"by": "ann", "source": "cli", "now": now}
    skip_occurrence(hourly, at=first, **who)
    change_occurrence(hourly, at=first + HOUR, moved_to=first + 90 * MINUTE, **who)
    Job.objects.update(paused_at=now, paused_until=first + 80 * MINUTE)

    [line] = timeline(since=now, until=now + 3 * HOUR, now=now).lines

    assert (line.skipped, line.ahead, line.paused) == (
        [first],
        [first + 90 * MINUTE, first + 2 * HOUR],
        [],
    )
    assert told(line) == "2 planned, 1 to be skipped"
    Job.objects.update(paused_until=None)
    [line] = timeline(since=now, until=now + 3 * HOUR, now=now).lines
    assert told(line) == "1 to be skipped, 2 in a pause"
