"""Old rows go, in batches; what is unfinished, recent or still to be planned stays."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django_celery_results.models import TaskResult

from schedules import retention
from schedules.errors import InvalidInput
from schedules.models import Attempt, Job, Run
from schedules.retention import clean_log
from schedules.testing import execute
from tasks.maintenance.jobs import clean_execution_log

pytestmark = pytest.mark.django_db

NOW = datetime(2030, 6, 1, 2, tzinfo=UTC)
BEFORE = NOW - timedelta(days=90)
OLD = BEFORE - timedelta(days=1)


def make_job(**fields: Any) -> Job:
    return Job.objects.create(key=f"job-{uuid4()}", task="x", next_run_at=NOW, **fields)


def make_run(at: datetime = OLD, *, state: str = "succeeded", **fields: Any) -> Run:
    finished = None if state in {"planned", "running"} else at
    fields = {"finished_at": finished, "publish_at": at if state == "planned" else None, **fields}
    run = Run.objects.create(
        origin="call", task="x", scheduled_at=at, due_at=at, state=state, slot=0, **fields
    )
    if run.finished_at:
        Attempt.objects.create(run=run, number=1, ended_at=at, outcome=state)
        make_result(str(run.task_id), at)
    return run


def make_result(task_id: str, at: datetime, *, status: str = "SUCCESS") -> TaskResult:
    TaskResult.objects.create(task_id=task_id, status=status)
    TaskResult.objects.filter(task_id=task_id).update(date_done=at)
    return TaskResult.objects.get(task_id=task_id)


def clean() -> int:
    return sum(clean_log(before=BEFORE, now=NOW))


def kept() -> set[int]:
    return set(Run.objects.values_list("pk", flat=True))


def test_old_runs_go_with_attempts_and_results() -> None:
    job = make_job()
    for owner in (job, None):
        make_run(job=owner)
    young = make_run(BEFORE, job=job)

    assert clean() == 2

    assert kept() == {young.pk}
    assert Attempt.objects.count() == TaskResult.objects.count() == 1
    assert clean() == 0


def test_nothing_unfinished_goes_however_old() -> None:
    states = ("planned", "running")
    runs = {make_run(state=state).pk for state in states}

    assert clean() == 0

    assert kept() == runs


def test_the_ledger_begins_where_rows_were_deleted() -> None:
    cleaned, untouched = make_job(ledger_from=OLD), make_job(ledger_from=OLD)
    make_run(job=cleaned)
    make_run(BEFORE, job=untouched)

    clean()

    cleaned.refresh_from_db()
    untouched.refresh_from_db()
    assert (cleaned.ledger_from, untouched.ledger_from) == (BEFORE, OLD)


def test_what_planning_may_come_back_to_stays() -> None:
    behind = make_job()
    Job.objects.filter(pk=behind.pk).update(next_run_at=OLD)
    patient = make_job(misfire_grace=timedelta(days=100))
    stays = {make_run(job=behind).pk, make_run(job=patient).pk}
    make_run(OLD - timedelta(days=1), job=behind)

    assert clean() == 1

    assert kept() == stays


def test_what_ended_late_and_ranges_that_reach_into_the_time_stay() -> None:
    late = make_run(finished_at=BEFORE)
    wide = make_run(until=BEFORE, count=3)

    assert clean() == 0

    assert kept() == {late.pk, wide.pk}


def test_a_job_has_a_retention_of_its_own() -> None:
    short, long = make_job(retention=timedelta(days=1)), make_job(retention=timedelta(days=365))
    make_run(NOW - timedelta(days=2), job=short)
    stays = make_run(job=long)

    assert clean() == 1

    assert kept() == {stays.pk}


def test_results_without_a_run_go_when_they_are_final() -> None:
    make_result("a-stranger", OLD)
    make_result(str(uuid4()), OLD)
    make_result("unfinished", OLD, status="STARTED")
    make_result("young", BEFORE)

    assert clean() == 2

    assert set(TaskResult.objects.values_list("task_id", flat=True)) == {"unfinished", "young"}


def test_it_goes_by_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(5):
        make_run()
    for number in range(3):
        make_result(f"stranger-{number}", OLD)

    assert list(clean_log(before=BEFORE, now=NOW)) == [2, 2, 1, 2, 1]


def test_the_job_says_what_it_did_and_a_second_run_does_nothing() -> None:
    make_run()

    first = execute(clean_execution_log, scheduled_at=NOW)
    second = execute(clean_execution_log, scheduled_at=NOW)

    assert first.summary == "Cleaned up 1 execution records older than 90 days"
    assert second.summary == "Cleaned up 0 execution records older than 90 days"


@pytest.mark.parametrize("days", [0, -5, 40_000])
def test_less_than_a_day_and_more_than_a_century_are_refused_when_they_are_saved(days: int) -> None:
    with pytest.raises(InvalidInput, match=f"retention_days is '{days}'"):
        execute(clean_execution_log, days, scheduled_at=NOW)
