"""The calls that wait for their time, the next one first; and what the last recovery found."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django_celery_results.models import TaskResult

from schedules.errors import InvalidInput
from schedules.models import Job, Run
from schedules.operations.listing import list_jobs
from schedules.registry import all_declared

MOST_SEARCHED = 20_000
MOST_FIGURES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedPage:
    """Some parked calls, and the id after which the next page begins; 0 after the last one."""

    runs: list[Run]
    after: str
    is_search_cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryReport:
    """What the last run of a job that also runs at every start of Beat returned."""

    job: Job
    run: Run
    figures: Sequence[tuple[str, Any]]


def page_of_parked(*, text: str = "", after: str = "", limit: int) -> ParkedPage:
    """Return parked calls in the order in which they come due, from a place on.

    `text` is part of a subject or of a task's name; it is looked for among the next 20,000. Raises
    InvalidInput for a place that was not given by a page before.
    """
    # By the outbox's own index: what is parked is published when it is due.
    runs = Run.objects.parked().order_by("publish_at", "id")
    if after:
        place = Run.objects.filter(pk=_number(after)).values_list("publish_at", "pk").first()
        if place is None or place[0] is None:
            raise InvalidInput(
                "after", after, "the place that the page before gave, while it waits"
            )
        runs = runs.filter(
            Q(publish_at__gt=place[0]) | Q(publish_at=place[0], pk__gt=place[1]),
            publish_at__gte=place[0],
        )
    is_cut = False
    if text:
        last = next(iter(runs.only("pk", "publish_at")[MOST_SEARCHED : MOST_SEARCHED + 1]), None)
        if last is not None:
            is_cut, runs = True, runs.filter(publish_at__lt=last.publish_at)
        runs = runs.filter(
            Q(natural_key__icontains=text) | Q(task__icontains=text) | Q(job_key__icontains=text)
        )
    found = list(runs[: limit + 1])
    following = str(found[limit - 1].pk) if len(found) > limit else ""
    return ParkedPage(runs=found[:limit], after=following, is_search_cut=is_cut)


def recovery_reports() -> list[RecoveryReport]:
    """Return the reports of the jobs that recover something at each start. Three statements."""
    keys = [declared.key for declared in all_declared() if declared.at_start is not None]
    rows = [(job, last) for job, last in list_jobs(Job.objects.filter(key__in=keys)) if last]
    ids = [str(last.task_id) for _job, last in rows]
    results = dict(TaskResult.objects.filter(task_id__in=ids).values_list("task_id", "result"))
    return [
        RecoveryReport(job=job, run=last, figures=_figures(results.get(str(last.task_id))))
        for job, last in rows
    ]


def _figures(result: str | None) -> list[tuple[str, Any]]:
    try:
        value = json.loads(result) if result else None
    except ValueError:
        return []
    if not isinstance(value, dict):
        return []
    return [
        (str(name), len(part) if isinstance(part, list) else part)
        for name, part in value.items()
        if isinstance(part, (int, float, bool, list))
    ][:MOST_FIGURES]


def _number(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) < 19:
        return int(text)
    raise InvalidInput("after", text, "the number that the page before gave")
