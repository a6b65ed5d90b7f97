"""What must be true of the rows afterwards, whatever died: asked of them without the planner."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from django_celery_results.models import TaskResult

from schedules.ledger import verify_job
from schedules.models import Attempt, Job, Run
from schedules.querysets.clock import database_now
from schedules.states import Origin, RunState
from tests.promises.world import STATUS

GOES_ON = {RunState.LOST, RunState.RETRYING}
"""How an attempt ended after which there may be another one."""


def check_runs() -> None:
    """Every run has one outcome, one attempt behind the other, and a task result that agrees."""
    results = dict(TaskResult.objects.values_list("task_id", "status"))
    attempts: dict[int, list[Attempt]] = {}
    for attempt in Attempt.objects.order_by("run_id", "number"):
        attempts.setdefault(attempt.run_id, []).append(attempt)
    for run in Run.objects.all():
        told = f"{run.task} {run.task_id} {run.state}"
        assert run.is_final, told
        assert run.publish_at is None, told
        ended = attempts.get(run.pk, [])
        assert [each.number for each in ended] == list(range(1, run.attempt + 1)), told
        assert {each.outcome for each in ended[:-1]} <= GOES_ON, told
        assert run.state not in {RunState.SUCCEEDED, RunState.FAILED} or (
            ended and ended[-1].outcome == run.state
        ), told
        if run.until is None and not (run.origin == Origin.TIMETABLE and not run.attempt):
            assert results.pop(str(run.task_id), None) == STATUS[RunState(run.state)], told
    # What is left is told to those who wait for an element of a chain that never gets its turn.
    for run in Run.objects.all():
        results.pop(str(run.task_id), None)
    assert set(results.values()) <= {"REVOKED", "FAILURE"}


def check_occurrences(job: Job, expected: Sequence[datetime]) -> None:
    """Each expected occurrence lies in exactly one row, no row holds another, and verify agrees."""
    covered: Counter[datetime] = Counter()
    rows = Run.objects.filter(job=job, origin=Origin.TIMETABLE)
    for first, until, count in rows.values_list("scheduled_at", "until", "count"):
        inside = [instant for instant in expected if first <= instant <= (until or first)]
        assert len(inside) == count, (first, until, count)
        covered.update(inside)
    assert covered == Counter(expected), f"occurrences {expected}, rows for {sorted(covered)}"
    now = database_now()
    job.refresh_from_db()
    assert job.ledger_from is not None
    balance = verify_job(job, after=job.ledger_from, until=now, now=now)
    assert balance.balances, balance
    assert balance.expected == sum(1 for instant in expected if instant <= now)
