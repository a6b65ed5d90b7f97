"""A backfill runs what its dry run said, a few at a time, and the books stay balanced."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schedules.dispatch import feed_backfills
from schedules.errors import InvalidInput, JobDisabled
from schedules.finish import Outcome, finish_attempt
from schedules.lease import instance_id
from schedules.ledger import verify_job
from schedules.models import AuditEntry, Backfill, Job, Run, ScheduleVersion
from schedules.operations.backfill import (
    cancel_backfill,
    choose,
    create_backfill,
    progress_of,
)
from schedules.operations.create import create_job
from schedules.operations.switch import delete_job, disable_job, pause_job, resume_job
from schedules.querysets.clock import database_now
from schedules.states import WAITING, BackfillState, Origin, RunState, Which
from schedules.testing import execute_run

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
ADA: dict[str, Any] = {"by": "ada", "source": "cli"}
MakeRun = Callable[..., Run]


@pytest.fixture
def today() -> datetime:
    """The last midnight."""
    return database_now().replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture
def job(today: datetime) -> Job:
    """A job that was made today and runs at each midnight."""
    return made(today)


def made(today: datetime, **values: Any) -> Job:
    chosen = {"key": "nightly", "cron_expression": "0 0 * * *", "max_instances": 2, **values}
    return create_job("sample_jobs.tell_time", values=chosen, now=today + DAY / 24, **ADA)


def backfill(job: Job, today: datetime, **values: Any) -> Backfill:
    chosen = {"first": today - 4 * DAY, "last": today, "which": Which.MISSED, **values}
    return create_backfill(job, **{**ADA, "now": database_now(), **chosen})


def run_to_the_end(made: Backfill) -> list[Run]:
    """Let Beat and a worker alternate; return the runs in the order in which they were planned."""
    for _ in range(made.total + 1):
        feed_backfills(now=database_now())
        for run in Run.objects.filter(backfill=made, state__in=WAITING):
            execute_run(run)
    made.refresh_from_db()
    return list(Run.objects.filter(backfill=made).order_by("pk"))


def test_each_day_is_run_for_its_own_date_and_no_more_than_allowed_at_once(
    job: Job, today: datetime
) -> None:
    asked = backfill(job, today, at_once=2)
    feed_backfills(now=database_now())
    feed_backfills(now=database_now())
    assert Run.objects.filter(backfill=asked).count() == 2

    runs = run_to_the_end(asked)

    days = [today - n * DAY for n in (4, 3, 2, 1, 0)]
    assert [run.scheduled_at for run in runs] == days
    assert [run.summary.strip("'").partition(" ")[0] for run in runs] == [
        day.isoformat() for day in days
    ]
    assert asked.state == BackfillState.DONE
    assert progress_of([asked])[asked.pk].succeeded == 5


def test_what_ran_is_left_alone_unless_all_is_asked_for(
    job: Job, today: datetime, make_run: MakeRun
) -> None:
    ended = {"job": job, "finished_at": today, "origin": Origin.TIMETABLE}
    for days, state in ((1, RunState.SUCCEEDED), (2, RunState.FAILED), (3, RunState.MISSED)):
        make_run("sample_jobs.tell_time", scheduled_at=today - days * DAY, state=state, **ended)
    # A failure that was run again with success has succeeded.
    make_run("sample_jobs.tell_time", scheduled_at=today - 4 * DAY, state=RunState.LOST, **ended)
    again = {**ended, "origin": Origin.OPERATOR, "state": RunState.SUCCEEDED}
    make_run("sample_jobs.tell_time", scheduled_at=today - 4 * DAY, **again)

    def days_of(which: Which) -> list[int]:
        found = choose(job, first=today - 4 * DAY, last=today, which=which, now=database_now())
        return [(today - each.at).days for each in found]

    assert days_of(Which.MISSED) == [3, 0]
    assert days_of(Which.FAILED) == [2]
    assert days_of(Which.ALL) == [4, 3, 2, 1, 0]


def test_of_what_retention_has_deleted_nothing_is_missed(job: Job, today: datetime) -> None:
    ScheduleVersion.objects.update(effective_at=today - 10 * DAY)
    Job.objects.update(ledger_from=today - 2 * DAY)
    job.refresh_from_db()
    asked: dict[str, Any] = {"first": today - 4 * DAY, "last": today, "now": database_now()}

    missed = choose(job, which=Which.MISSED, **asked)
    everything = choose(job, which=Which.ALL, **asked)

    assert [each.at for each in missed] == [today - DAY, today]
    assert [each.stood for each in everything] == ["unknown"] * 3 + ["never ran"] * 2


def test_two_backfills_do_not_run_the_same_occurrence(job: Job, today: datetime) -> None:
    backfill(job, today, first=today - 2 * DAY)

    second = backfill(job, today)

    assert second.total == 2
    with pytest.raises(InvalidInput, match="this one has none"):
        backfill(job, today)


def test_a_cancelled_one_plans_nothing_more(job: Job, today: datetime) -> None:
    asked = backfill(job, today)
    feed_backfills(now=database_now())

    assert cancel_backfill(asked, now=database_now(), reason="wrong week", **ADA)

    feed_backfills(now=database_now())
    run = Run.objects.get(backfill=asked)
    assert (run.state, asked.state) == (RunState.CANCELLED, BackfillState.CANCELLED)
    assert "wrong week" in run.reason
    assert not cancel_backfill(asked, now=database_now(), **ADA)
    assert [entry.action for entry in AuditEntry.objects.order_by("pk")][1:] == [
        "backfill",
        "cancel_backfill",
    ]


def test_it_waits_while_its_job_is_paused_or_disabled(job: Job, today: datetime) -> None:
    asked = backfill(job, today)
    pause_job(job, now=database_now(), **ADA)
    assert feed_backfills(now=database_now()) == 0

    resume_job(job, now=database_now(), **ADA)
    assert feed_backfills(now=database_now()) == 1

    delete_job(job, now=database_now(), **ADA)
    feed_backfills(now=database_now())
    asked.refresh_from_db()
    assert asked.state == BackfillState.CANCELLED


def test_a_broken_one_ends_and_the_others_go_on(job: Job, today: datetime) -> None:
    broken = backfill(job, today, first=today - DAY)
    Backfill.objects.update(occurrences=["yesterday"])
    whole = backfill(job, today)

    assert feed_backfills(now=database_now()) == 1

    broken.refresh_from_db()
    assert broken.state == BackfillState.CANCELLED
    assert "yesterday" in broken.reason
    assert Run.objects.get().backfill == whole


def claim(run: Run) -> Run:
    claimed = Run.objects.claim(run.task_id, task=run.task, instance_id=instance_id(), pid=1)
    assert claimed is not None
    return claimed


@pytest.mark.django_db(transaction=True)
def test_timetable_and_backfill_do_not_cost_each_other_an_occurrence(
    today: datetime, make_run: MakeRun
) -> None:
    job = made(today, max_instances=1)
    asked = backfill(job, today)
    feed_backfills(now=database_now())
    running = claim(Run.objects.get(backfill=asked))
    due = {"job": job, "origin": Origin.TIMETABLE, "due_at": database_now()}
    first, second = (
        make_run("sample_jobs.tell_time", scheduled_at=database_now() + n * DAY, **due)
        for n in range(2)
    )

    # One waits for the backfill's run; more are skipped, as overlap says.
    assert execute_run(first).state == RunState.PLANNED
    assert execute_run(second).state == RunState.SKIPPED
    finish_attempt(running, Outcome(state=RunState.SUCCEEDED))
    assert feed_backfills(now=database_now()) == 0, "the timetable goes first"
    claimed = claim(first)
    feed_backfills(now=database_now())
    behind = execute_run(Run.objects.get(backfill=asked, state=RunState.PLANNED))

    assert behind.state == RunState.PLANNED, "it waits for a slot"
    finish_attempt(claimed, Outcome(state=RunState.SUCCEEDED))
    assert execute_run(behind).state == RunState.SUCCEEDED


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"last": datetime(2999, 1, 1, tzinfo=UTC)}, "what is to come runs by itself"),
        ({"first": datetime(2999, 1, 1, tzinfo=UTC)}, "no earlier than from"),
        ({"at_once": 3}, "1 to 2, as many as may run"),
        ({"first": datetime(1990, 1, 1, tzinfo=UTC)}, "at most 10000 occurrences"),
        ({"which": Which.FAILED}, "that failed; this one has none"),
    ],
)
def test_nonsense_is_refused_and_changes_nothing(
    job: Job, today: datetime, change: dict[str, Any], words: str
) -> None:
    before = AuditEntry.objects.count()

    with pytest.raises(InvalidInput, match=words):
        backfill(job, today, **change)

    assert (Backfill.objects.count(), AuditEntry.objects.count()) == (0, before)


def test_a_disabled_job_is_not_backfilled(job: Job, today: datetime) -> None:
    disable_job(job, now=database_now(), **ADA)

    with pytest.raises(JobDisabled):
        backfill(job, today)


OUTCOMES = st.sampled_from(
    [None, RunState.SUCCEEDED, RunState.FAILED, RunState.MISSED, RunState.SKIPPED]
)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    history=st.lists(OUTCOMES, min_size=6, max_size=6),
    which=st.sampled_from(Which),
    newest_first=st.booleans(),
    at_once=st.integers(1, 3),
)
def test_the_dry_run_says_what_the_ledger_then_holds(
    today: datetime,
    make_run: MakeRun,
    history: list[RunState | None],
    which: Which,
    newest_first: bool,
    at_once: int,
) -> None:
    job = made(today, key=f"job-{Job.objects.count()}", max_instances=3)
    for days, state in enumerate(history):
        if state is not None:
            values = {"origin": Origin.TIMETABLE, "state": state, "finished_at": today}
            make_run("sample_jobs.tell_time", job=job, scheduled_at=today - days * DAY, **values)
    asked: dict[str, Any] = {"first": today - 5 * DAY, "last": today, "which": which}
    asked |= {"newest_first": newest_first, "now": database_now()}

    said = choose(job, **asked)

    if not said:
        with pytest.raises(InvalidInput):
            create_backfill(job, at_once=at_once, **asked, **ADA)
        return
    runs = run_to_the_end(create_backfill(job, at_once=at_once, **asked, **ADA))
    assert [run.scheduled_at for run in runs] == [each.at for each in said]
    assert {run.state for run in runs} == {RunState.SUCCEEDED}
    now = database_now()
    assert verify_job(job, after=today, until=now, now=now).balances
    assert choose(job, **asked) == [] or which is Which.ALL
