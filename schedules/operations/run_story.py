"""One run from its planning to its end: the steps, the people and processes, what belongs to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django_celery_results.models import TaskResult

from schedules.models import Attempt, Instance, Run

MOST_CHILDREN = 50
MOST_ATTEMPTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that happened to a run. `kind` is planned, due, sent, started, tried or ended."""

    kind: str
    at: datetime
    state: str
    attempt: int = 0
    since: timedelta | None = None
    """How long after the step before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything about a run that its own row does not say."""

    steps: list[Step]
    attempts: list[Attempt]
    result: TaskResult | None
    parent: Run | None
    children: list[Run]
    instances: dict[UUID, Instance]


def story_of(run: Run) -> Story:
    """Return the story of a run, in five statements."""
    attempts = list(run.attempts.order_by("number")[:MOST_ATTEMPTS])
    ids = {run.instance_id, *(attempt.instance_id for attempt in attempts)} - {None}
    children = Run.objects.filter(parent_id=run.task_id).order_by("scheduled_at", "id")
    return Story(
        steps=_with_gaps(_steps(run, attempts)),
        attempts=attempts,
        result=TaskResult.objects.filter(task_id=str(run.task_id)).first(),
        parent=Run.objects.filter(task_id=run.parent_id).first() if run.parent_id else None,
        children=list(children[:MOST_CHILDREN]),
        instances=Instance.objects.in_bulk(list(ids)),
    )


def _steps(run: Run, attempts: Sequence[Attempt]) -> list[Step]:
    steps = [Step(kind="due", at=run.due_at, state="planned")]
    if run.created_at is not None:
        steps.append(Step(kind="planned", at=run.created_at, state="planned"))
    if run.sent_at is not None:
        steps.append(Step(kind="sent", at=run.sent_at, state="sent"))
    for attempt in attempts:
        if attempt.started_at is not None:
            steps.append(
                Step(kind="started", at=attempt.started_at, state="running", attempt=attempt.number)
            )
        if attempt.number != run.attempt or not run.is_final:
            steps.append(
                Step(
                    kind="tried", at=attempt.ended_at, state=attempt.outcome, attempt=attempt.number
                )
            )
    numbers = {attempt.number for attempt in attempts}
    if run.started_at is not None and run.attempt not in numbers:
        steps.append(Step(kind="started", at=run.started_at, state="running", attempt=run.attempt))
    if run.finished_at is not None and run.is_final:
        steps.append(Step(kind="ended", at=run.finished_at, state=run.state))
    # What comes last in the list is what happened last, where two share an instant.
    return sorted(steps, key=lambda step: step.at)


def _with_gaps(steps: Sequence[Step]) -> list[Step]:
    told = []
    before: Step | None = None
    for step in steps:
        since = None if before is None else step.at - before.at
        told.append(
            Step(kind=step.kind, at=step.at, state=step.state, attempt=step.attempt, since=since)
        )
        before = step
    return told
