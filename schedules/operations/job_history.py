"""One job over time: its days, its last runs in numbers, its versions, who changed it."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Q
from django_celery_results.models import TaskResult

from schedules.models import AuditEntry, DayTotal, Job, Run, ScheduleVersion
from schedules.operations.upcoming import timetable_of
from schedules.states import RunState

MOST_COUNTED_A_DAY = 60
"""Occurrences of one coming day that are counted; more are as many."""

MOST_RUNS = 200
MOST_RESULTS = 60
MOST_FIGURES = 6
MOST_VERSIONS = 30
MOST_ENTRIES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number that a job's results hold under one name, over its last successes."""

    name: str
    values: list[float]


def days_of(job: Job, *, since: date) -> dict[date, Counter[str]]:
    """Return how the job's occurrences ended, by UTC day and state."""
    days: dict[date, Counter[str]] = {}
    sums = DayTotal.objects.filter(job=job, day__gte=since).values_list("day", "state", "number")
    for day, state, number in sums:
        days.setdefault(day, Counter())[state] += number
    return days


def days_to_come(job: Job, *, now: datetime, number: int) -> dict[date, int]:
    """Return how often the job is to run on each of the coming UTC days, today first."""
    timetable = timetable_of(job)
    days: dict[date, int] = {}
    if timetable is None or not job.is_enabled or job.next_run_at is None:
        return days
    for ahead in range(number):
        day = now.astimezone(UTC).date() + timedelta(days=ahead)
        begin = datetime.combine(day, time(), UTC)
        end = begin + timedelta(days=1)
        instant = timetable.next_after(max(begin - timedelta(microseconds=1), now))
        while instant is not None and instant < end and days.get(day, 0) < MOST_COUNTED_A_DAY:
            days[day] = days.get(day, 0) + 1
            if job.one_off:
                return days
            instant = timetable.next_after(instant)
    return days


def last_runs(job: Job, *, now: datetime) -> list[Run]:
    """Return the newest runs that were executed, the oldest first, without their long texts."""
    runs = (
        Run.objects.filter(job=job, scheduled_at__lte=now, started_at__isnull=False)
        .only("task_id", "state", "scheduled_at", "due_at", "started_at", "finished_at", "job_id")
        .order_by("-scheduled_at")
    )
    return list(reversed(runs[:MOST_RUNS]))


def figures_of(runs: Sequence[Run]) -> list[Figure]:
    """Return the numbers in the results of the last successes, each as it went over time."""
    good = [run for run in runs if run.state == RunState.SUCCEEDED][-MOST_RESULTS:]
    ids = [str(run.task_id) for run in good]
    results = dict(TaskResult.objects.filter(task_id__in=ids).values_list("task_id", "result"))
    found: dict[str, list[float]] = {}
    for task_id in ids:
        for name, value in _numbers(results.get(task_id)):
            found.setdefault(name, []).append(value)
    return [Figure(name=name, values=values) for name, values in found.items()][:MOST_FIGURES]


def versions_of(job: Job) -> list[ScheduleVersion]:
    """Return the newest versions of the job, the newest first."""
    return list(ScheduleVersion.objects.filter(job=job).order_by("-number")[:MOST_VERSIONS])


def entries_about(job: Job) -> list[AuditEntry]:
    """Return what people and repairs did to the job, the newest first."""
    entries = AuditEntry.objects.filter(Q(subject=f"job:{job.key}"[:250]))
    return list(entries.order_by("-at", "-id")[:MOST_ENTRIES])


def _numbers(result: str | None) -> list[tuple[str, float]]:
    """The numbers of a flat result, and of its `data`, by name."""
    try:
        value = json.loads(result) if result else None
    except ValueError:
        return []
    if isinstance(value, dict) and isinstance(value.get("data"), dict):
        value = value["data"]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return [("result", float(value))]
    if not isinstance(value, dict):
        return []
    return [
        (str(name)[:60], float(part))
        for name, part in value.items()
        if isinstance(part, (int, float)) and not isinstance(part, bool)
    ]
