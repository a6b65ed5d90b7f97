"""Changes of single occurrences, as planning meets them. Jobs without any cost nothing."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet

from schedules.dispatch.decide import NO_CHANGES, Change, Decision, Planned, is_occurrence
from schedules.models import Job, OccurrenceChange, Run
from schedules.querysets.planning import PlannedRun
from schedules.states import ChangeState, Origin, RunState
from schedules.timing import from_spec

Rows = Mapping[datetime, OccurrenceChange]
NO_ROWS: Rows = {}


def rows_of(jobs: Iterable[Job], *, now: datetime) -> dict[int, dict[datetime, OccurrenceChange]]:
    """Return the changes that may still matter to the jobs, by job and occurrence. One statement,
    and none where no job has any.
    """
    ids = [job.pk for job in jobs if job.has_changes]
    rows: dict[int, dict[datetime, OccurrenceChange]] = {}
    if ids:
        for row in _in_question(now).filter(job__in=ids):
            rows.setdefault(row.job_id, {})[row.scheduled_at] = row
    return rows


def as_changes(rows: Rows) -> Mapping[datetime, Change]:
    """Return what was said, as planning takes it."""
    if not rows:
        return NO_CHANGES
    return {
        at: Change(
            scheduled_at=at,
            is_skipped=row.is_skipped,
            moved_to=row.moved_to,
            reason=row.words,
            is_planned=row.state == ChangeState.USED,
        )
        for at, row in rows.items()
    }


def settle_changes(job: Job, rows: Rows, decision: Decision, *, now: datetime) -> None:
    """Note which changes were used, and which ones no occurrence came for; where none is left, the
    job says so. The job is not saved but for that.
    """
    open_rows = [row for row in rows.values() if row.state == ChangeState.OPEN]
    following = decision.next_run_at
    used = [row.pk for row in open_rows if row.scheduled_at in decision.changed]
    void = [
        row.pk
        for row in open_rows
        if row.scheduled_at not in decision.changed
        and (
            following is None
            or row.scheduled_at < following
            or (row.moved_to is not None and row.moved_to <= now)
        )
    ]
    close(used, ChangeState.USED, now=now)
    close(void, ChangeState.VOID, now=now)
    if used or void or not open_rows:
        refresh_flag(job, following=following, now=now)


def void_changes(job: Job, *, now: datetime) -> None:
    """Note which changes the job's new timetable has no occurrence for any more."""
    if not job.has_changes or job.timetable is None:
        return
    timetable = from_spec(job.timetable)
    rows = OccurrenceChange.objects.filter(job=job, state=ChangeState.OPEN)
    void = [row.pk for row in rows if not is_occurrence(timetable, row.scheduled_at)]
    close(void, ChangeState.VOID, now=now)


def close(numbers: Sequence[int], state: ChangeState, *, now: datetime) -> None:
    """Give the open changes their end."""
    if numbers:
        rows = OccurrenceChange.objects.filter(pk__in=numbers, state=ChangeState.OPEN)
        rows.update(state=state, settled_at=now)


def refresh_flag(job: Job, *, following: datetime | None, now: datetime) -> None:
    """Let the job say whether changes are left that planning, or a list of what is to come, has to
    ask for.
    """
    waits = Q(state=ChangeState.USED, moved_to__gt=now)
    left = _in_question(now).filter(job=job)
    if following is not None:
        waits |= Q(state=ChangeState.OPEN) | Q(scheduled_at__gte=following)
    job.has_changes = left.filter(waits).exists()
    Job.objects.filter(pk=job.pk).update(has_changes=job.has_changes)


def moved_ahead(job: Job) -> datetime | None:
    """Return the first time to which an occurrence was moved that is still to be planned."""
    rows = OccurrenceChange.objects.filter(job=job, state=ChangeState.OPEN)
    first: datetime | None = rows.aggregate(first=Min("moved_to"))["first"]
    return first


def is_for_outbox(planned: Planned, rows: Rows, *, now: datetime) -> bool:
    """Whether the run is sent from its row: later, or with arguments that only the row has."""
    return bool(rows) and (planned.due_at > now or _has_arguments(rows.get(planned.scheduled_at)))


def give_arguments(runs: Iterable[PlannedRun], rows: Mapping[int, Rows]) -> None:
    """Give the rows of runs that were just written the arguments that a change has for them."""
    for run in runs:
        row = rows.get(run.job_id, NO_ROWS).get(run.scheduled_at)
        if row is None or run.state != RunState.PLANNED or not _has_arguments(row):
            continue
        Run.objects.filter(task_id=run.task_id, attempt=0, state=RunState.PLANNED).update(
            args=run.args if row.args is None else row.args,
            kwargs={**run.kwargs, **(row.kwargs or {})},
        )


def _has_arguments(row: OccurrenceChange | None) -> bool:
    return row is not None and not (row.args is None and row.kwargs is None)


def waiting_for_later(*, now: datetime) -> QuerySet[OccurrenceChange]:
    """Changes whose occurrence has had its own time, and waits as a run for a later one."""
    run = Run.objects.waiting().filter(
        job=OuterRef("job"),
        origin=Origin.TIMETABLE,
        attempt=0,
        scheduled_at=OuterRef("scheduled_at"),
        due_at=OuterRef("moved_to"),
    )
    rows = OccurrenceChange.objects.filter(state=ChangeState.USED, moved_to__gt=now)
    return rows.filter(Exists(run))


def _in_question(now: datetime) -> QuerySet[OccurrenceChange]:
    """Changes that wait, those that were moved ahead and whose own time has not come, and those
    whose later time has not.
    """
    to_come = Q(scheduled_at__gte=F("job__next_run_at")) | Q(moved_to__gt=now)
    return OccurrenceChange.objects.filter(
        Q(state=ChangeState.OPEN) | Q(state=ChangeState.USED, moved_to__isnull=False) & to_come
    )
