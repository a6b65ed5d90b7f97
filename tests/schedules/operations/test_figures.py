"""The figures behind the dashboard: sums by day, searches that end, causes, what needs a person."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from schedules.models import DayTotal, GlobalPause, Job, Run, Watermark
from schedules.operations import finding
from schedules.operations.attention import concerns, outbox
from schedules.operations.conditions import Condition
from schedules.operations.day_totals import add_up_ended, success_of
from schedules.operations.failures import group_failures
from schedules.operations.finding import Wanted, find_runs
from schedules.operations.outcomes import last_day, lateness
from schedules.operations.upcoming import coming, next_of
from schedules.states import Origin, RunState
from schedules.timing import Cron

Make = Callable[..., Any]
pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def job(make_job: Make) -> Job:
    job: Job = make_job("nightly")
    return job


@pytest.fixture
def ended(job: Job, make_run: Make) -> Make:
    """Make an ended run of the job."""

    def make(at: datetime, state: str = "succeeded", **fields: Any) -> Run:
        values = {
            "job": job,
            "job_key": job.key,
            "origin": Origin.TIMETABLE,
            "scheduled_at": at,
            "due_at": at,
            "started_at": None if state in ("missed", "skipped") else at + timedelta(seconds=1),
            "finished_at": at + timedelta(seconds=3),
        }
        run: Run = make_run(state=state, **{**values, **fields})
        return run

    return make


def test_each_ended_run_is_added_up_once(ended: Make, job: Job, now: datetime) -> None:
    ended(now - timedelta(days=3), "failed")
    ended(now - timedelta(hours=1))
    ended(now - timedelta(hours=2), "missed", count=7, until=now - timedelta(hours=1))
    for _ in range(6):  # the history that was there before, a day at a time
        add_up_ended(now=now)
    ended(now - timedelta(seconds=4))
    for _ in range(3):
        add_up_ended(now=now + MINUTE)

    totals = {
        (total.day, total.state): (total.number, total.took_ms) for total in DayTotal.objects.all()
    }
    assert totals == {
        ((now - timedelta(days=3)).date(), "failed"): (1, 2000),
        (now.date(), "succeeded"): (2, 4000),
        (now.date(), "missed"): (7, 0),
    }
    success = success_of([job.pk], since=now.date())[job.pk]
    assert (success.good, success.bad) == (2, 7)


def test_what_just_ended_waits_for_the_next_pass(ended: Make, now: datetime) -> None:
    Watermark.objects.create(name="day_totals", at=now - timedelta(hours=1))
    ended(now - timedelta(seconds=4))

    first, second = add_up_ended(now=now), add_up_ended(now=now + MINUTE)

    assert (first, second) == (0, 1)


def test_the_last_day_by_hour_and_against_a_week_ago(ended: Make, now: datetime) -> None:
    ended(now - timedelta(hours=2, minutes=30))
    ended(now - timedelta(hours=2, minutes=20), "failed")
    ended(now - timedelta(days=7, hours=1))
    ended(now - timedelta(days=2))

    day = last_day(now=now)

    assert [hour.total for hour in day.hours if hour.total] == [2]
    assert (day.success, day.success_a_week_ago) == (0.5, 1.0)
    assert len(day.hours) == 25


def test_lateness_is_from_due_to_begun(ended: Make, now: datetime) -> None:
    for seconds in range(100):
        at = now - (seconds + 1) * MINUTE
        ended(at, started_at=at + timedelta(seconds=seconds))

    spread = lateness(now=now)

    assert (spread.p50, spread.p95) == (timedelta(seconds=49), timedelta(seconds=94))


def test_pages_of_a_search_hold_every_run_once(ended: Make, now: datetime) -> None:
    made = [ended(now - n * MINUTE, ("succeeded", "failed", "lost")[n % 3]) for n in range(30)]
    wanted = Wanted(states=(RunState.FAILED, RunState.LOST))
    seen: list[int] = []
    cursor = None
    for _ in range(10):
        found = find_runs(wanted, limit=3, cursor=cursor)
        seen += [run.pk for run in found.runs]
        cursor = found.cursor
        if cursor is None:
            break

    assert seen == [run.pk for run in made if run.state != "succeeded"]


def test_a_search_without_an_index_says_how_far_it_has_come(
    ended: Make, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "MOST_SEARCHED", 5)
    made = [ended(now - n * MINUTE, reason="needle" if n in (3, 12) else "") for n in range(14)]
    wanted = Wanted(text="needle")

    first = find_runs(wanted, limit=10)
    second = find_runs(wanted, limit=10, cursor=first.cursor)
    third = find_runs(wanted, limit=10, cursor=second.cursor)

    assert [run.pk for run in first.runs] == [made[3].pk]
    assert first.searched_to == made[4].scheduled_at
    assert second.runs == []
    assert [run.pk for run in third.runs] == [made[12].pk]
    assert third.cursor is None


def test_an_execution_id_finds_its_run(ended: Make, now: datetime) -> None:
    run = ended(now)

    assert find_runs(Wanted(text=str(run.task_id)), limit=10).runs == [run]


def test_failures_with_one_cause_are_one_group(ended: Make, now: datetime) -> None:
    for n in range(5):
        ended(now - n * MINUTE, "failed", error=f"ValueError: row {n} of 'file{n}' is wrong")
    ended(now - 9 * MINUTE, "failed", error="KeyError: 'x'")
    ended(now - 8 * MINUTE, "lost", error="")

    found = group_failures(since=now - timedelta(hours=1), until=now)

    assert [(group.exception, group.number) for group in found.groups] == [
        ("ValueError", 5),
        ("lost", 1),
        ("KeyError", 1),
    ]
    assert found.groups[0].message == "row 0 of 'file0' is wrong"


def test_what_needs_a_person_is_found_and_what_is_well_again_is_not(
    make_job: Make, make_run: Make, now: datetime
) -> None:
    later = now + timedelta(hours=1)
    failing, well = make_job("failing", due=later), make_job("well", due=later)
    for job, states in ((failing, ("succeeded", "failed")), (well, ("failed", "succeeded"))):
        for n, state in enumerate(states):
            at = now - timedelta(hours=2 - n)
            make_run(job=job, state=state, scheduled_at=at, due_at=at, finished_at=at)
    make_job("broken", due=later, invalid_reason="no such task")
    make_job("late", due=now - MINUTE)

    found = {each.job.key: each.condition for each in concerns(now=now)}

    assert found == {
        "broken": Condition.INVALID,
        "late": Condition.LATE,
        "failing": Condition.FAILING,
    }


def test_an_outbox_is_stuck_when_its_oldest_waits_too_long(make_run: Make, now: datetime) -> None:
    assert not outbox(now=now).is_stuck(now=now)
    make_run(due_at=now - timedelta(minutes=3))
    make_run(due_at=now + timedelta(days=1))

    found = outbox(now=now)

    assert (found.waiting, found.is_stuck(now=now)) == (1, True)


def test_what_is_to_come_is_merged_in_order(make_job: Make, now: datetime) -> None:
    make_job("minutely", due=now + MINUTE)
    make_job("paused", due=now + MINUTE, paused_at=now)
    make_job("hourly", due=now + timedelta(minutes=30), timetable=Cron("30 * * * *"))

    ahead = coming(now=now, until=now + timedelta(minutes=60))

    assert len(ahead.coming) == 61
    assert [each.job.key for each in ahead.coming if each.job.key != "minutely"] == ["hourly"]
    assert [each.at for each in ahead.coming] == sorted(each.at for each in ahead.coming)


def test_next_occurrences_say_where_clocks_change_and_what_a_pause_takes(
    make_job: Make, now: datetime
) -> None:
    first = datetime.fromisoformat("2026-03-28T01:30:00Z")
    job = make_job(
        "berlin",
        due=first,
        timetable=Cron("30 2 * * *", tz="Europe/Berlin"),
        paused_at=now,
        paused_until=first + MINUTE,
    )

    found = next_of(job, now=now, count=3)

    # 02:30 does not exist on the 29th: it runs when the gap ends.
    assert [each.at.isoformat() for each in found] == [
        "2026-03-28T01:30:00+00:00",
        "2026-03-29T01:00:00+00:00",
        "2026-03-30T00:30:00+00:00",
    ]
    assert [each.is_clock_change for each in found] == [False, True, False]
    assert [each.is_paused for each in found] == [True, False, False]
    GlobalPause.objects.create(started_at=now, by="ann")
    assert all(each.is_paused for each in next_of(job, now=now, count=3))
