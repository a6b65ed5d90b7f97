"""Rows of ours that SQL has broken, so that Django cannot load them or reads something else.

Each is mended so far that it can be loaded, and says what was in it: a job is invalid from then on,
a run that waited has failed. So it is looked at where many are loaded, and now and then all of them
are looked through, because what is unreadable may just as well look like nothing being due.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, TypeVar
from uuid import UUID, uuid4

from django.db import DatabaseError, InterfaceError, connection, models
from django.db.models import Max, Q, QuerySet

from schedules.adapters.columns import Column
from schedules.adapters.unreadable import unreadable, unreadable_among
from schedules.dispatch.aside import UNPLANNABLE, put_aside
from schedules.dispatch.together import write_together
from schedules.errors import InvalidInput, ReportedFailure
from schedules.finish import Outcome, finish_all_waiting, finish_attempt
from schedules.lease import instance_id
from schedules.models import (
    Dependency,
    GlobalPause,
    Job,
    Run,
    ScheduleVersion,
    Touched,
    Watermark,
)
from schedules.querysets.planning import PlannedCall, PlannedRun, move_on
from schedules.states import WAITING, RunState

log = logging.getLogger(__name__)

Row = TypeVar("Row", bound=models.Model)

BROKEN = "Its row was broken: "
"""How the reason of a job begins that stays invalid until a person edits it."""

READ_ANEW = frozenset(
    {"task", "args", "kwargs", "queue", "timetable", "next_run_at", "next_due_at", "job_type"}
    | {"is_enabled", "one_off", "interval_anchor", "tzdata_version", "version"}
)
"""What comes from the job's periodic task, which is read again by itself."""

SAYS_LITTLE = frozenset(
    {"name_en", "name_ar", "name_id", "description_en", "description_ar", "description_id"}
    | {"declared", "overridden", "applied", "task_function_id", "flagged_reason", "invalid_reason"}
    | {"last_run_at", "created_at", "updated_at", "created_by_id", "updated_by_id"}
    | {"paused_by", "pause_reason"}
)
"""What decides nothing about when and how the job runs."""


def _is_one_of(accepted: Sequence[str], text: str) -> str | None:
    return None if text in accepted else f"one of {', '.join(accepted)}"


def _with_meaning(name: str) -> Column:
    """The column of jobs that takes any word, of which only a few mean anything."""
    field: Any = Job._meta.get_field(name)
    accepted = [str(value) for value, _ in field.choices]
    return Column(name, ~Q(**{f"{name}__in": accepted}), partial(_is_one_of, accepted))


POLICY = [_with_meaning(name) for name in ("overlap", "on_lost", "day_rule")]

ITS_OWN = frozenset({"task_id", "slot"})
"""What is another value for each run."""

BOOKS = (GlobalPause, Dependency, Touched, Watermark)
"""Small tables that every tick needs; what is broken there is mended and logged."""

MISREAD = (ValueError, TypeError, AttributeError)
"""What a value of the wrong kind raises."""

MOST_LOOKED_THROUGH = 100_000
"""Runs that are looked through for one failed page: a second or two."""

MOST_JOBS, MOST_RUNS = 50, 250
"""What is set aside at once: some tenths of a second, in which nothing else is dispatched. More are
left for the next time, and stand in nobody's way meanwhile.
"""


class Aside(NamedTuple):
    """How many rows were set aside, and which broken ones are left."""

    number: int
    jobs: Collection[int]
    runs: Collection[int]

    def __bool__(self) -> bool:
        """Whether anything was broken."""
        return bool(self.number or self.jobs or self.runs)


def load(rows: QuerySet[Row], *, now: datetime, by: Callable[[Any], list[Row]] = list) -> list[Row]:
    """Return the rows, loaded `by` a function of them. Where one of them keeps the others from
    being loaded, it is set aside, and is among them only if it still belongs there.

    Of very many broken ones some are set aside, first of all those that were asked for. The others
    are left out, with what belongs to them, and their place is taken by the rows that follow.
    """
    try:
        return by(rows)
    except (DatabaseError, InterfaceError):
        raise  # tells nothing about the rows
    except Exception:
        broken = set_aside(Job.objects.all(), open_runs(), now=now, first=rows)
        if not broken:
            raise
        return by(_without(rows, broken))


def refuse_other_shapes(row: Job | Run | PlannedRun | PlannedCall) -> None:
    """Raise InvalidInput unless the arguments are a list and an object. What is no JSON at all is
    loaded as text.
    """
    if not isinstance(row.args, list):
        raise InvalidInput("args", row.args, "a JSON list")
    if not isinstance(row.kwargs, dict):
        raise InvalidInput("kwargs", row.kwargs, "a JSON object")


def mend_after(error: Exception, *, now: datetime) -> bool:
    """Set aside what may have made `error`: any broken job or run, also one of the latest that are
    over. Returns whether there was one, and so whether it is worth while to try again.
    """
    if not isinstance(error, MISREAD):
        return False  # tells nothing about the rows
    newest = Run.objects.aggregate(newest=Max("pk"))["newest"] or 0
    runs = Run.objects.filter(pk__gt=newest - MOST_LOOKED_THROUGH)
    return bool(set_aside(Job.objects.all(), runs, now=now, all_of_them=True))


def fail_unreadable(task_id: UUID, *, now: datetime) -> bool:
    """End a run as failed that this process has taken and cannot read; False if it can be read."""
    row = Run.objects.filter(task_id=task_id, state=RunState.RUNNING, instance_id=instance_id())
    for pk, errors in unreadable_among(row).items():
        (run,) = _mended_runs([pk], errors, now=now)
        finish_attempt(run, _outcome(errors))
        return True
    return False


def open_runs() -> QuerySet[Run]:
    """Return the runs without an outcome."""
    return Run.objects.filter(Q(publish_at__isnull=False) | Q(state=RunState.RUNNING))


def set_aside(
    jobs: QuerySet[Job],
    runs: QuerySet[Run],
    *,
    now: datetime,
    first: QuerySet[Any] | None = None,
    all_of_them: bool = False,
) -> Aside:
    """Set aside what is broken of the rows: all, or a part that begins with those of the `first`.

    Books are small, and mended altogether.
    """
    broken_jobs = _in_order(unreadable_among(jobs, also=POLICY), Job, first)
    broken_runs = _in_order(unreadable_among(runs), Run, first)
    jobs_aside: set[int] = set()
    runs_aside: set[int] = set()
    for start in range(0, len(broken_jobs) if all_of_them else 1, MOST_JOBS):
        some = broken_jobs[start : start + MOST_JOBS]
        jobs_aside |= write_together(some, partial(_set_jobs_aside, now=now))
    for start in range(0, len(broken_runs) if all_of_them else 1, MOST_RUNS):
        some = broken_runs[start : start + MOST_RUNS]
        runs_aside |= write_together(some, partial(_set_runs_aside, now=now))
    number = len(jobs_aside) + len(runs_aside)
    for model in BOOKS:
        broken = unreadable(model)
        number += len(write_together(list(broken), partial(_mend_books, model, broken, now=now)))
    return Aside(number, set(broken_jobs) - jobs_aside, set(broken_runs) - runs_aside)


def _in_order(
    broken: Iterable[int], model: type[models.Model], first: QuerySet[Any] | None
) -> list[int]:
    if first is None or first.model is not model:
        return list(broken)
    asked_for = set(_unlocked(first).values_list("pk", flat=True))
    return sorted(broken, key=lambda pk: pk not in asked_for)


def _without(rows: QuerySet[Row], aside: Aside) -> QuerySet[Row]:
    """Return the rows but for the broken ones that are left, and what belongs to these."""
    if rows.model not in (Job, Run) or not (aside.jobs or aside.runs):
        return rows.all()
    # Of a slice, the place of those that are left out is taken by others. These are named: the
    # others may be more than a statement takes parameters.
    unlimited = rows.all()
    unlimited.query.clear_limits()
    job, runs = ("pk", ()) if rows.model is Job else ("job_id", aside.runs)
    numbers = _unlocked(unlimited).values_list("pk", job)
    healthy = (pk for pk, job in numbers if pk not in runs and job not in aside.jobs)
    return unlimited.filter(pk__in=list(islice(healthy, rows.query.low_mark, rows.query.high_mark)))


def _unlocked(rows: QuerySet[Row]) -> QuerySet[Row]:
    asked = rows.all()
    asked.query.select_for_update = False
    return asked


def _mend_books(
    model: type[models.Model],
    broken: Mapping[int, Sequence[InvalidInput]],
    pks: Sequence[int],
    *,
    now: datetime,
) -> set[int]:
    for pk in pks:
        _mend(model, [pk], broken[pk], {}, now=now)
        log.warning(
            "%s %s had a broken row: %s",
            model.__name__,
            pk,
            _words(broken[pk]),
            extra={"action": "row_broken"},
        )
    return set(pks)


def _set_jobs_aside(pks: Sequence[int], *, now: datetime) -> set[int]:
    """Set aside those of the jobs that nobody else is just writing to; return their numbers."""
    mine = set(Job.objects.filter(pk__in=pks).locked().values_list("pk", flat=True))
    for pk in mine:
        _set_job_aside(pk, now=now)
    return mine


def _set_job_aside(pk: int, *, now: datetime) -> None:
    # Looked at anew: another Beat may have been here, or a person.
    errors = unreadable_among(Job.objects.filter(pk=pk), also=POLICY).get(pk, [])
    if not errors:
        return
    names = {error.field for error in errors}
    versions = ScheduleVersion.objects.filter(job=pk).aggregate(last=Max("number"))
    special = {"version": versions["last"] or 0, "key": f"job-{pk}"}
    _mend(Job, [pk], errors, special, now=now)
    job = Job.objects.get(pk=pk)
    words = _words(errors)
    if names <= SAYS_LITTLE or not job.is_active:
        Job.objects.filter(pk=pk).update(flagged_reason=f"{BROKEN}{words}")
        log.warning("Job %s had a broken row: %s", job.key, words, extra={"action": "row_broken"})
        return
    can_be_read_anew = names <= READ_ANEW | SAYS_LITTLE and job.periodic_task_id is not None
    put_aside(job, words, now=now, begins=UNPLANNABLE if can_be_read_anew else BROKEN)
    move_on(connection, [job])


def _set_runs_aside(pks: Sequence[int], *, now: datetime) -> set[int]:
    """Set aside those of the runs that nobody else is just writing to; return their numbers."""
    mine = set(Run.objects.filter(pk__in=pks).locked().values_list("pk", flat=True))
    # Looked at anew: another Beat may have been here.
    for alike, errors in _alike(unreadable(Run, mine)):
        runs = _mended_runs(alike, errors, now=now)
        waiting = [run for run in runs if run.state in WAITING]
        finish_all_waiting(waiting, _outcome(errors), instance_id=instance_id())
        # One that runs is ended by its worker, which has read it before.
        others = [run.pk for run in runs if run.state not in WAITING]
        words = f"{BROKEN}{_words(errors)}"
        Run.objects.filter(pk__in=others).update(suspect_reason=words)
    return mine


def _alike(
    broken: Mapping[int, Sequence[InvalidInput]],
) -> Iterable[tuple[list[int], Sequence[InvalidInput]]]:
    """Return the runs with the same broken values together, as one statement leaves them."""
    groups: dict[object, tuple[list[int], Sequence[InvalidInput]]] = {}
    for pk, errors in broken.items():
        alone = pk if any(error.field in ITS_OWN for error in errors) else None
        found = tuple((error.field, error.found, error.accepted) for error in errors)
        groups.setdefault((alone, found), ([], errors))[0].append(pk)
    return groups.values()


def _mended_runs(pks: Sequence[int], errors: Sequence[InvalidInput], *, now: datetime) -> list[Run]:
    special = {
        "task_id": uuid4(),
        "natural_key": None,
        "idempotency_key": None,
        "slot": 1000 + pks[0] % 1000,  # beyond those that are given, so that it is nobody's
    }
    _mend(Run, pks, errors, special, now=now)
    runs = list(Run.objects.filter(pk__in=pks).order_by("pk"))
    for run in runs:
        log.warning(
            "Run %s of %s had a broken row: %s",
            run.task_id,
            run.task,
            _words(errors),
            extra={"action": "row_broken"},
        )
    return runs


def _outcome(errors: Iterable[InvalidInput]) -> Outcome:
    reason = f"{BROKEN}{_words(errors)}"
    return Outcome(state=RunState.FAILED, error=ReportedFailure(reason), reason=reason)


def _words(errors: Iterable[InvalidInput]) -> str:
    return " ".join(str(error) for error in errors)


def _mend(
    model: type[models.Model],
    pks: Sequence[int],
    errors: Sequence[InvalidInput],
    special: Mapping[str, Any],
    *,
    now: datetime,
) -> None:
    """Put something that can be loaded into the broken columns of rows that have the same there."""
    values = {}
    for error in errors:
        field: Any = model._meta.get_field(error.field)
        if error.field in special:
            values[error.field] = special[error.field]
        elif isinstance(field, models.CharField | models.TextField) and not field.choices:
            values[error.field] = error.found
        elif getattr(field, "null", False) and error.field != "publish_at":
            values[error.field] = None
        elif isinstance(field, models.DateTimeField):
            values[error.field] = now
        else:
            values[error.field] = field.get_default()
    model._default_manager.filter(pk__in=pks).update(**values)
