"""Single occurrences: skipping one, running it at another time or with other arguments, and taking
that back while it is still to come.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from schedules.access import Source, actor_name, record
from schedules.adapters.validation import check_arguments
from schedules.dispatch.changes import close, refresh_flag, waiting_for_later
from schedules.dispatch.decide import PUNCTUAL, is_occurrence
from schedules.dispatch.upcoming import due_at_of
from schedules.errors import InvalidInput, JobDeleted, JobInvalid, Refused
from schedules.finish import Outcome, finish_waiting
from schedules.lease import instance_id
from schedules.models import Job, OccurrenceChange, Run
from schedules.states import ChangeState, Origin, RunState
from schedules.timing import Timetable, from_spec, jitter_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    Actor = AbstractBaseUser | AnonymousUser | str


class RunsOnce(Refused):
    """The job has one occurrence, which its timetable says."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"Job {key!r} runs once. Change its date, or disable it, to move or skip that run."
        )


class PlannedAlready(Refused):
    """The occurrence has its run."""

    def __init__(self, run: Run) -> None:
        super().__init__(
            f"The occurrence at {run.scheduled_at:%FT%TZ} has its run {run.task_id} already, which"
            f" is {run.state}. Such a run can be cancelled, or skipped while it waits."
        )


class NothingChanged(Refused):
    """There is nothing to take back."""

    def __init__(self, at: datetime) -> None:
        super().__init__(
            f"The occurrence at {at:%FT%TZ} was neither skipped nor changed, or its time has come."
        )


@transaction.atomic
def skip_occurrence(
    job: Job, *, at: datetime, by: "Actor", source: Source, now: datetime, reason: str = ""
) -> OccurrenceChange:
    """Let the job's occurrence at the aware instant `at` end as skipped, with the reason.

    One that was moved to a later time and waits for it ends so at once. Raises what
    `change_occurrence` raises.
    """
    job = _locked(job)
    waiting = _waiting_run(job, at)
    values = {"is_skipped": True}
    if waiting is None:
        return _change(job, at, values, "skip_occurrence", by, source, now, reason)
    change = _new(job, at, values, by, now, reason)
    change.state, change.settled_at = ChangeState.USED, now
    outcome = Outcome(state=RunState.SKIPPED, reason=change.words)
    if not finish_waiting(waiting, outcome, instance_id=instance_id()):
        waiting.refresh_from_db()
        raise PlannedAlready(waiting)
    change.save()
    _record("skip_occurrence", job, change, None, by, source, now, reason)
    return change


@transaction.atomic
def change_occurrence(
    job: Job,
    *,
    at: datetime,
    by: "Actor",
    source: Source,
    now: datetime,
    moved_to: datetime | None = None,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    reason: str = "",
) -> OccurrenceChange:
    """Let the job's occurrence at the aware instant `at` start at `moved_to` instead, earlier or
    later, or with other arguments; keyword arguments are put over the job's own.

    It keeps its nominal time, and nothing else of the timetable changes. Said again, nothing is
    written; said anew, it replaces what was said before. Raises JobDeleted, JobInvalid, RunsOnce,
    PlannedAlready, and InvalidInput for an instant that is no occurrence to come, a new time that
    has passed, and arguments that do not fit.
    """
    if moved_to is None and args is None and kwargs is None:
        raise InvalidInput("moved_to", "none", "another time, or other arguments")
    if moved_to is not None and (moved_to <= now or moved_to == at):
        accepted = "an instant in the future that is not its own"
        raise InvalidInput("moved_to", moved_to.isoformat(), accepted)
    job = _locked(job)
    if args is not None or kwargs is not None:
        given = job.args if args is None else list(args)
        check_arguments(job.task, given, {**job.kwargs, **(kwargs or {})})
    values = {
        "moved_to": moved_to,
        "args": None if args is None else list(args),
        "kwargs": None if kwargs is None else dict(kwargs),
    }
    return _change(job, at, values, "change_occurrence", by, source, now, reason)


@transaction.atomic
def restore_occurrence(
    job: Job, *, at: datetime, by: "Actor", source: Source, now: datetime, reason: str = ""
) -> datetime:
    """Take back what was said about the occurrence; return when it starts now.

    One whose own time has passed while it waits for a later one runs at once, with the arguments of
    its job; its misfire grace counts from `now`. Raises NothingChanged where nothing waits.
    """
    job = _locked(job)
    present = _open(job, at) or _for_later(job, at, now)
    if present is None:
        raise NothingChanged(at)
    if present.state == ChangeState.USED:
        _run_now(job, present, now)
    else:
        close([present.pk], ChangeState.UNDONE, now=now)
    _look_again(job, now)
    _record("restore_occurrence", job, None, present, by, source, now, reason)
    starts_at = present.scheduled_at + jitter_of(job.jitter, seed=job.key, instant=at)
    return now if present.state == ChangeState.USED else starts_at


def _locked(job: Job) -> Job:
    stored = Job.objects.select_for_update(no_key=True, of=("self",)).get(pk=job.pk)
    if not stored.is_active:
        raise JobDeleted(stored.key)
    if stored.one_off:
        raise RunsOnce(stored.key)
    return stored


def _change(
    job: Job,
    at: datetime,
    values: Mapping[str, Any],
    action: str,
    by: "Actor",
    source: Source,
    now: datetime,
    reason: str,
) -> OccurrenceChange:
    _check_to_come(job, at, now)
    present = _open(job, at)
    wanted = _new(job, at, values, by, now, reason)
    if present is not None:
        if _said(present) == _said(wanted):
            return present
        close([present.pk], ChangeState.UNDONE, now=now)
    wanted.save()
    _look_again(job, now)
    _record(action, job, wanted, present, by, source, now, reason)
    return wanted


def _check_to_come(job: Job, at: datetime, now: datetime) -> None:
    """Raise unless `at` is an occurrence of the job whose time has not come."""
    run = Run.objects.filter(job=job, origin=Origin.TIMETABLE, scheduled_at=at).first()
    if run is not None:
        raise PlannedAlready(run)
    if job.timetable is None or not job.is_enabled:
        raise JobInvalid(job.key, job.invalid_reason or "it is disabled, so nothing is to come.")
    timetable = from_spec(job.timetable)
    begins = job.next_run_at
    if begins is None or at < begins or at <= now or not is_occurrence(timetable, at):
        raise InvalidInput("at", at.astimezone(UTC).isoformat(), _accepted(timetable, at, now))


def _accepted(timetable: Timetable, at: datetime, now: datetime) -> str:
    following = timetable.next_after(max(at, now))
    if following is None:
        return "an occurrence that is still to come"
    return f"an occurrence that is still to come; the next one after it is {following:%FT%TZ}"


def _open(job: Job, at: datetime) -> OccurrenceChange | None:
    rows = OccurrenceChange.objects.filter(job=job, scheduled_at=at, state=ChangeState.OPEN)
    return rows.first()


def _waiting_run(job: Job, at: datetime) -> Run | None:
    return (
        Run.objects.waiting()
        .filter(job=job, origin=Origin.TIMETABLE, scheduled_at=at, attempt=0)
        .first()
    )


def _for_later(job: Job, at: datetime, now: datetime) -> OccurrenceChange | None:
    return waiting_for_later(now=now).filter(job=job, scheduled_at=at).first()


def _run_now(job: Job, change: OccurrenceChange, now: datetime) -> None:
    run = _waiting_run(job, change.scheduled_at)
    if run is None:
        raise NothingChanged(change.scheduled_at)
    grace = job.misfire_grace
    Run.objects.waiting().filter(pk=run.pk).update(
        due_at=now,
        publish_at=now,
        expires_at=None if grace is None else now + max(grace, PUNCTUAL),
        args=job.args,
        kwargs=job.kwargs,
    )
    OccurrenceChange.objects.filter(pk=change.pk).update(state=ChangeState.UNDONE, settled_at=now)


def _new(
    job: Job, at: datetime, values: Mapping[str, Any], by: "Actor", now: datetime, reason: str
) -> OccurrenceChange:
    return OccurrenceChange(
        job=job, scheduled_at=at, by=actor_name(by), reason=reason, made_at=now, **values
    )


def _said(change: OccurrenceChange) -> tuple[Any, ...]:
    return change.is_skipped, change.moved_to, change.args, change.kwargs, change.reason


def _look_again(job: Job, now: datetime) -> None:
    """Let Beat come when the first change of the job is due, and ask for changes at all."""
    refresh_flag(job, following=job.next_run_at, now=now)
    due_at = due_at_of(job, job.next_run_at)
    Job.objects.filter(pk=job.pk).update(next_due_at=due_at)


def _record(
    action: str,
    job: Job,
    after: OccurrenceChange | None,
    before: OccurrenceChange | None,
    by: "Actor",
    source: Source,
    now: datetime,
    reason: str,
) -> None:
    said = after or before
    assert said is not None
    record(
        action,
        subject=f"job:{job.key}",
        actor=by,
        source=source,
        now=now,
        before=None if before is None else _facts(before),
        after={"scheduled_at": said.scheduled_at} if after is None else _facts(after),
        reason=reason,
    )


def _facts(change: OccurrenceChange) -> dict[str, Any]:
    """Return what was said; of arguments only that they are others."""
    return {
        "scheduled_at": change.scheduled_at,
        "skipped": change.is_skipped,
        "moved_to": change.moved_to,
        "other_arguments": change.args is not None or change.kwargs is not None,
    }
