"""What the load of meetings compares: one body too many or too few is seen."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from django_celery_results.models import TaskResult

from bench.meetings import TASK, agreement
from schedules.models import Attempt, Run
from schedules.states import RunState
from tasks.meetings.models import Meeting
from tasks.meetings.status import Status

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ENDED = {"scheduled_at": NOW, "due_at": NOW, "started_at": NOW, "finished_at": NOW}


@pytest.fixture
def run() -> Run:
    """A meeting that ended at the second attempt, its first one being lost."""
    start = NOW.replace(hour=11)
    Meeting.objects.create(title="Load", start_time=start, end_time=NOW, status=Status.DONE)
    run = Run.objects.create(task=TASK, origin="call", state="succeeded", attempt=2, **ENDED)
    for number, outcome in ((1, RunState.LOST), (2, RunState.SUCCEEDED)):
        Attempt.objects.create(
            run=run,
            number=number,
            outcome=outcome,
            started_at=NOW,
            ended_at=NOW,
            instance_id=uuid4(),
        )
    TaskResult.objects.create(task_id=str(run.task_id), task_name=TASK, status="SUCCESS")
    return run


@pytest.mark.parametrize(
    ("attempts", "killed", "agree"),
    [
        ([2], "child", True),
        ([1, 2], "child", True),
        ([1, 2], None, False),
        ([1, 1, 2], "child", False),
        ([2, 2], "child", False),
        ([1], "child", False),
        ([2, 3], "child", False),
    ],
)
def test_a_line_too_many_is_right_only_for_a_lost_attempt(
    run: Run, tmp_path: Path, attempts: list[int], killed: str | None, agree: bool
) -> None:
    witness = tmp_path / "witness"
    witness.write_text("".join(f"{run.task_id} {attempt} now\n" for attempt in attempts))

    assert agreement(1, witness, killed=killed)["agree"] is agree
