"""The meetings of a load run: creating them, waiting for their ends, and comparing what four logs
say.
"""

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from celery import states
from django.db.models import F
from django_celery_beat.models import PeriodicTask
from django_celery_results.models import TaskResult

from schedules.models import Attempt, Run
from schedules.states import RunState
from tasks.meetings.models import Meeting
from tasks.meetings.status import Status

TASK = "meetings.end_meeting"
FAR = timedelta(days=365)


def switch_recovery_off() -> None:
    """Measure the one-off runs themselves, without the job that would mend what they miss."""
    PeriodicTask.objects.filter(task="meetings.recover_meetings").update(enabled=False)


def create_meetings(count: int, *, first_end: datetime, span: timedelta) -> float:
    """Create meetings whose ends are spread evenly over `span`; return the seconds it took."""
    began = time.monotonic()
    Meeting.objects.bulk_create(
        Meeting(
            title=f"Load {number}",
            start_time=first_end - timedelta(hours=1),
            end_time=first_end + span * number / count,
        )
        for number in range(count)
    )
    return time.monotonic() - began


def park_far_ahead(count: int) -> float:
    """Create meetings that end in a year; return the seconds it took."""
    return create_meetings(count, first_end=datetime.now(UTC) + FAR, span=timedelta(days=30))


def wait_for_all(count: int, *, until: datetime) -> datetime:
    """Wait until `count` meetings have ended and nothing is in flight, or `until`; return when."""
    while datetime.now(UTC) < until:
        ended = Meeting.objects.filter(status=Status.DONE).count()
        in_flight = _runs().exclude(state=RunState.SUCCEEDED).exists()
        if ended >= count and not in_flight:
            break
        time.sleep(0.5)
    return datetime.now(UTC)


def agreement(count: int, witness: Path, *, killed: str | None = None) -> dict[str, Any]:
    """Compare ledger, attempts, task results, meetings and the witness file.

    Each successful attempt must have left exactly one line. A body that is killed may have left its
    own by then, and is executed again: an extra line must be that of an attempt which the ledger
    calls lost, at most one for each, and is right only where something was killed.
    """
    lines = witness.read_text().splitlines()
    runs = _runs()
    succeeded, lost = (_attempts(runs, outcome) for outcome in (RunState.SUCCEEDED, RunState.LOST))
    results = TaskResult.objects.filter(task_name=TASK, status=states.SUCCESS).count()
    done = Meeting.objects.filter(status=Status.DONE).count()
    late = sorted(
        (finished - due).total_seconds()
        for due, finished in runs.values_list("scheduled_at", "finished_at")
        if finished is not None
    )
    early = runs.filter(started_at__lt=F("scheduled_at")).count()
    bodies = [tuple(line.split()[:2]) for line in lines]
    extra = Counter(bodies) - Counter(succeeded)
    bodies_right = succeeded <= set(bodies) and extra <= Counter(lost if killed else ())
    finished = runs.filter(state=RunState.SUCCEEDED).count()
    counts = {runs.count(), finished, len(succeeded), results, done}
    return {
        "meetings": count,
        "runs": runs.count(),
        "successful_attempts": len(succeeded),
        "lost_attempts": len(lost),
        "task_results": results,
        "meetings_done": done,
        "witness_lines": len(lines),
        "witnessed_runs": len({run for run, _ in bodies}),
        "lines_of_lost_attempts": extra.total(),
        "agree": counts == {count} and bodies_right,
        "none_early": early == 0,
        "sent_more_than_once": runs.filter(sends__gt=1).count(),
        "p50_seconds": _percentile(late, 0.50),
        "p99_seconds": _percentile(late, 0.99),
        "latest_seconds": _percentile(late, 1.0),
    }


def _attempts(runs: Any, outcome: RunState) -> set[tuple[str, ...]]:
    """The runs' attempts of this outcome as a line names them: execution id and number."""
    found = Attempt.objects.filter(run__in=runs, outcome=outcome)
    return {(str(run), str(number)) for run, number in found.values_list("run__task_id", "number")}


def _runs() -> Any:
    """The runs of this load; what is parked a year ahead is none of it."""
    return Run.objects.filter(task=TASK, scheduled_at__lt=datetime.now(UTC) + timedelta(days=1))


def _percentile(ordered: list[float], share: float) -> float:
    if not ordered:
        return -1.0
    return round(ordered[min(int(len(ordered) * share), len(ordered) - 1)], 3)
