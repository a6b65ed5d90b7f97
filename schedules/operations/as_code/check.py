"""Checking what a file says of a job, as making and changing it would check."""

from collections.abc import Mapping
from datetime import datetime

from schedules.adapters.periodic import check_jitter, check_task
from schedules.adapters.validation import check_arguments
from schedules.errors import InvalidInput
from schedules.models import Job, TaskFunction
from schedules.operations.as_code.described import (
    BESIDE,
    COLUMNS,
    Described,
    Tasks,
    as_changes,
)
from schedules.operations.as_code.entry import File
from schedules.operations.create import LONGEST_KEY, taken_keys
from schedules.operations.edit import EDITABLE
from schedules.operations.soundness import check_bounds, check_policy
from schedules.operations.timetables import current_timetable, read_entered
from schedules.registry import check_texts, named_checkers
from schedules.registry.keys import why_no_key
from schedules.timing import Timetable

WORDS = {
    **{column: name for name, column in COLUMNS.items()},
    "cron_expression": "cronExpression",
    "expression": "cronExpression",
    "day_rule": "dayRule",
    "day_off": "dayOff",
    "run_at": "runAt",
    "solar_event": "solarEvent",
    "starts_at": "startsAt",
    "ends_at": "endsAt",
    "interval_seconds": "intervalSeconds",
    **dict.fromkeys(("minute", "hour", "day of month", "month", "day of week"), "cronExpression"),
}
"""Words of a file for the fields that checks name."""


class Check:
    """Checks what is new as making and changing a job would."""

    def __init__(self, file: File, tasks: Tasks, known: Mapping[str, Job], now: datetime) -> None:
        self._file, self._tasks, self._known, self._now = file, tasks, known, now
        self._taken: set[str] | None = None
        self._installed = set(
            TaskFunction.objects.filter(is_active=True).values_list("task", flat=True)
        )

    def creation(self, key: str, wanted: Described) -> None:
        if len(key) > LONGEST_KEY:
            raise InvalidInput("key", key, f"at most {LONGEST_KEY} characters")
        if reason := why_no_key(key):
            raise InvalidInput("key", key, f"another key: {reason}")
        if self._taken is None:
            self._taken = taken_keys()
        if key in self._taken:
            accepted = "a key that no job has had; one that is deleted or invalid keeps its own"
            raise InvalidInput("key", key, accepted)
        self._task(wanted)
        changes = as_changes(wanted, wanted)
        entered = None
        if wanted["timetable"] or not wanted["after"]:
            entered = read_entered(changes, job=None, now=self._now)
        self._rest(wanted, None if entered is None else entered.timetable)

    def update(self, job: Job, wanted: Described, names: list[str]) -> None:
        timetable = current_timetable(job)
        if "task" in names:
            self._task(wanted)
            if self._tasks.find(wanted["task"]) is None:
                accepted = "a declared task; an undeclared one needs a job with another key"
                raise InvalidInput("task", wanted["task"], accepted)
        if "timetable" in names:
            if not wanted["timetable"]:
                raise InvalidInput("timetable", "none", "one; it cannot be taken away")
            entered = read_entered(as_changes(wanted, ["timetable"]), job=job, now=self._now)
            timetable = timetable if entered is None else entered.timetable
        self._rest(wanted, timetable)

    def _task(self, wanted: Described) -> None:
        declaration = self._tasks.find(wanted["task"])
        if declaration is None:
            check_task(wanted["task"])
        elif declaration.task not in self._installed:
            raise InvalidInput("task", wanted["task"], "a task that is installed here")

    def _rest(self, wanted: Described, timetable: Timetable | None) -> None:
        declaration = self._tasks.find(wanted["task"])
        if declaration is not None:
            check_arguments(declaration.task, wanted["args"], wanted["kwargs"])
        changes = as_changes(wanted, [*COLUMNS, *BESIDE])
        check_policy({name: changes[name] for name in EDITABLE if name in changes})
        check_bounds(changes["starts_at"], changes["ends_at"])
        known = {} if declaration is None else named_checkers(declaration.checks)
        check_texts(wanted["checks"], known=known)
        if timetable is not None:
            check_jitter(changes["jitter"], timetable)
        for one in wanted["after"]:
            if one["job"] not in self._known and one["job"] not in self._file.jobs:
                raise InvalidInput("after", one["job"], "the key of a job, here or in this file")
