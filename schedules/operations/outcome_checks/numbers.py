"""The numbers of a run that checks speak of, and those of the runs before it."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models.functions import ExtractIsoWeekDay
from django_celery_results.models import TaskResult

from schedules.expressions import LARGEST, USUAL_LAST, Look, Number
from schedules.models import Run
from schedules.operations.upcoming import zone_of
from schedules.states import RunState

LOOKED_BACK = timedelta(days=400)
"""So that the search for the same weekday comes to an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRun:
    """What a function among a job's checks is given."""

    run: Run = field(repr=False)
    result: Any
    """What the body returned."""
    numbers: Mapping[str, Number]
    """What expressions can name: the result's numbers, and the seconds `took`, `started_late`."""
    past: "Past" = field(repr=False)

    @property
    def scheduled_at(self) -> datetime:
        """The nominal instant."""
        return self.run.scheduled_at

    def history(
        self, name: str, *, last: int = USUAL_LAST, same_weekday: bool = False
    ) -> Sequence[float]:
        """Return earlier values of a number, the newest first."""
        return self.past.values(Look(name, last, same_weekday))


class Past:
    """The successes of a run's job before it. Two statements for each kind of look."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._known: dict[tuple[int, bool], list[Mapping[str, Number]]] = {}

    def values(self, look: Look) -> Sequence[float]:
        """Return the values that the last runs have, the newest first."""
        key = (look.last, look.same_weekday)
        if key not in self._known:
            self._known[key] = self._read(*key)
        return [float(each[look.name]) for each in self._known[key] if look.name in each]

    def _read(self, last: int, same_weekday: bool) -> list[Mapping[str, Number]]:
        runs = Run.objects.filter(
            job=self.run.job,
            state=RunState.SUCCEEDED,
            scheduled_at__lt=self.run.scheduled_at,
            scheduled_at__gte=self.run.scheduled_at - LOOKED_BACK,
        ).order_by("-scheduled_at", "-id")
        if same_weekday:
            assert self.run.job is not None
            zone = ZoneInfo(zone_of(self.run.job))
            weekday = self.run.scheduled_at.astimezone(zone).isoweekday()
            day = ExtractIsoWeekDay("scheduled_at", tzinfo=zone)
            runs = runs.alias(weekday=day).filter(weekday=weekday)
        found = list(runs.defer("log", "error", "summary")[:last])
        results = results_of(found)
        return [numbers_of(run, results.get(str(run.task_id))) for run in found]


def results_of(runs: Sequence[Run]) -> dict[str, Any]:
    """Return what the bodies of the runs returned, by the run's id. One statement."""
    ids = [str(run.task_id) for run in runs]
    rows = TaskResult.objects.filter(task_id__in=ids).values_list("task_id", "result")
    return {task_id: _read(result) for task_id, result in rows}


def numbers_of(run: Run, value: Any) -> dict[str, Number]:
    """Return the numbers by name: those of the result and of its `data`, lists by their length;
    `took` and `started_late`, in seconds, of the run itself.
    """
    if not isinstance(value, dict):
        value = {"result": value}
    data = value.get("data")
    parts = {**value, **(data if isinstance(data, dict) else {})}
    found: dict[str, Number] = {}
    for name, part in parts.items():
        number = _number(part)
        if number is not None:
            found[str(name)] = number
    if run.started_at is not None and run.finished_at is not None:
        found["took"] = max((run.finished_at - run.started_at).total_seconds(), 0.0)
        found["started_late"] = max((run.started_at - run.due_at).total_seconds(), 0.0)
    return found


def _number(part: Any) -> Number | None:
    if isinstance(part, list):
        return len(part)
    if isinstance(part, bool):
        return part
    if isinstance(part, int) and abs(part) <= LARGEST:
        return part
    if isinstance(part, float) and math.isfinite(part):
        return part
    return None


def _read(result: str | None) -> Any:
    try:
        return json.loads(result) if result else None
    except ValueError:
        return None
