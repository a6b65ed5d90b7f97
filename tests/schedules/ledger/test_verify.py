"""The ledger balances, or says what does not."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from schedules.dispatch import plan_due
from schedules.ledger import Balance, explain, verify_job
from schedules.models import Job, Run, ScheduleVersion
from schedules.states import Origin, RunState
from schedules.timing import Cron, Every, jitter_of, to_spec

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
MakeJob = Callable[..., Job]


@pytest.fixture
def job(make_job: MakeJob, now: datetime) -> Job:
    """A job every minute whose first version began a minute ago."""
    made = make_job(ledger_from=now - MINUTE, misfire_grace=timedelta(minutes=5), coalesce=False)
    ScheduleVersion.objects.create(
        job=made,
        number=1,
        effective_at=now - MINUTE,
        timetable=made.timetable,
        policy={"enabled": True},
    )
    return made


def planned(job: Job, now: datetime, minutes: int) -> None:
    plan_due(now=now + minutes * MINUTE)
    Run.objects.filter(state=RunState.SENT).update(
        state=RunState.SUCCEEDED, publish_at=None, finished_at=now
    )
    job.refresh_from_db()


def balance(job: Job, now: datetime, minutes: int = 60) -> Balance:
    until = now + minutes * MINUTE
    return verify_job(job, after=now - MINUTE, until=until, now=until)


def test_what_the_planner_wrote_balances_also_over_an_outage(job: Job, now: datetime) -> None:
    for minutes in (0, 1, 30, 31, 60):
        planned(job, now, minutes)

    found = balance(job, now)

    assert (found.expected, found.matched, found.balances) == (61, 61, True)
    assert Run.objects.filter(count__gt=1).count() == 2


def test_a_deleted_row_is_missing(job: Job, now: datetime) -> None:
    planned(job, now, 5)
    Run.objects.filter(scheduled_at=now + 3 * MINUTE).delete()

    found = balance(job, now, 5)

    assert (found.missing, found.extra) == (1, 0)
    assert found.examples == {"missing": [now + 3 * MINUTE]}


def test_a_row_that_nobody_expected_is_extra(job: Job, now: datetime) -> None:
    planned(job, now, 5)
    Run.objects.filter(scheduled_at=now + 3 * MINUTE).update(
        scheduled_at=now + 3 * MINUTE + timedelta(seconds=7)
    )

    found = balance(job, now, 5)

    assert (found.missing, found.extra) == (1, 1)


def test_a_range_over_a_row_of_its_own_is_a_duplicate(job: Job, now: datetime) -> None:
    planned(job, now, 5)
    Run.objects.filter(scheduled_at=now + MINUTE).update(until=now + 3 * MINUTE, count=3)

    assert balance(job, now, 5).duplicate == 2


def test_a_range_that_counts_wrong_does_not_balance(job: Job, now: datetime) -> None:
    planned(job, now, 60)
    Run.objects.filter(count__gt=1).update(count=7)

    assert not balance(job, now).balances


def test_a_run_without_an_outcome_is_unfinished(job: Job, now: datetime) -> None:
    plan_due(now=now)

    found = balance(job, now, 0)

    assert (found.unfinished, found.missing) == (1, 0)


def test_each_version_counts_for_its_own_time(job: Job, now: datetime) -> None:
    planned(job, now, 4)
    change = now + 4 * MINUTE + timedelta(seconds=30)
    hourly = Every(timedelta(hours=1), anchor=now)
    ScheduleVersion.objects.create(
        job=job,
        number=2,
        effective_at=change,
        timetable=to_spec(hourly),
        policy={"enabled": True},
    )
    Job.objects.filter(pk=job.pk).update(
        timetable=to_spec(hourly),
        next_run_at=now + 60 * MINUTE,
        next_due_at=now + 60 * MINUTE,
    )
    planned(job, now, 60)

    found = balance(job, now, 90)

    assert (found.expected, found.balances) == (6, True)


def test_a_range_over_the_edge_of_the_span_still_balances(job: Job, now: datetime) -> None:
    planned(job, now, 0)
    planned(job, now, 60)

    found = verify_job(job, after=now + 10 * MINUTE, until=now + 20 * MINUTE, now=now + 60 * MINUTE)

    assert (found.expected, found.matched, found.balances) == (10, 10, True)


def test_what_is_older_than_the_ledger_is_not_asked_for(job: Job, now: datetime) -> None:
    planned(job, now, 60)
    Run.objects.filter(scheduled_at__lt=now + 20 * MINUTE, count=1).delete()
    Job.objects.filter(pk=job.pk).update(ledger_from=now + 30 * MINUTE)
    job.refresh_from_db()

    found = balance(job, now)

    assert (found.expected, found.balances) == (30, True)


def test_an_occurrence_whose_jitter_is_still_to_pass_is_not_missing(
    job: Job, now: datetime
) -> None:
    jitter = timedelta(seconds=50)
    ScheduleVersion.objects.update(policy={"enabled": True, "jitter_seconds": 50})
    Job.objects.filter(pk=job.pk).update(jitter=jitter)
    job.refresh_from_db()
    starts = now + jitter_of(jitter, seed=job.key, instant=now)

    before = verify_job(job, after=now - MINUTE, until=starts, now=starts - timedelta(seconds=1))
    after = verify_job(job, after=now - MINUTE, until=starts, now=starts)

    assert (before.expected, before.missing) == (0, 0)
    assert (after.expected, after.missing) == (1, 1)


def test_each_thousand_occurrences_cost_less_than_one_statement(
    job: Job, now: datetime, django_assert_max_num_queries: Any
) -> None:
    plan_due(now=now)
    rows = [
        Run(
            job=job,
            origin=Origin.TIMETABLE,
            task=job.task,
            scheduled_at=now + n * MINUTE,
            due_at=now + n * MINUTE,
            state=RunState.SUCCEEDED,
            finished_at=now,
        )
        for n in range(1, 5000)
    ]
    Run.objects.bulk_create(rows)

    with django_assert_max_num_queries(6):
        found = balance(job, now, 4999)

    assert (found.expected, found.unfinished) == (5000, 1)


def test_explain_tells_the_story_of_an_occurrence(job: Job, now: datetime) -> None:
    planned(job, now, 20)

    told = explain(job, at=now + 3 * MINUTE)

    assert told.is_occurrence
    assert told.run is not None
    assert "It lies in a row for 15 occurrences" in " ".join(told.sentences)
    assert "misfire grace of 300 s" in told.sentences[-1]


def test_explain_says_what_is_no_occurrence_and_which_clock_changed(
    make_job: MakeJob, now: datetime
) -> None:
    job = make_job("berlin", timetable=Cron("30 2 * * *", tz="Europe/Berlin"), ledger_from=now)
    ScheduleVersion.objects.create(
        job=job, number=1, effective_at=now, timetable=job.timetable, policy={"enabled": True}
    )

    told = explain(job, at=datetime.fromisoformat("2026-03-29T00:30:00Z"))

    assert not told.is_occurrence
    assert "the next one after it is 2026-03-29T01:00:00Z" in told.sentences[0]
    assert told.sentences[1] == "In Europe/Berlin the clock was put forward by 1:00:00 on that day."


def test_explain_names_what_was_not_planned_yet(job: Job, now: datetime) -> None:
    assert "still to come" in explain(job, at=now + MINUTE).sentences[-1]
    assert "No timetable" in explain(job, at=now - timedelta(days=1)).sentences[0]
    assert Run.objects.filter(origin=Origin.TIMETABLE).count() == 0
