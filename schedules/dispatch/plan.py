"""Planning: one transaction that turns due jobs into runs and moves the jobs on."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from django.db import DatabaseError, InterfaceError, connection, transaction
from django_celery_beat.models import PeriodicTask

from schedules.broker import EMPTY, Backlog
from schedules.conf import options
from schedules.dispatch.aside import put_aside
from schedules.dispatch.broken import load, refuse_other_shapes
from schedules.dispatch.changes import (
    NO_ROWS,
    Rows,
    as_changes,
    give_arguments,
    is_for_outbox,
    rows_of,
    settle_changes,
)
from schedules.dispatch.decide import Decider, Planned, Policy
from schedules.dispatch.upcoming import due_at_of, flag_of, has_ended
from schedules.dispatch.zone_data import renew
from schedules.errors import InvalidInput
from schedules.finish import options_of
from schedules.halts import Halt, global_pauses, halts_of
from schedules.lease import instance_id
from schedules.models import Job, Run
from schedules.querysets.held import lock_but
from schedules.querysets.jobs import JobQuerySet
from schedules.querysets.planning import PlannedRun, move_on, write_runs
from schedules.signals import run_finished
from schedules.states import FINAL, RunState
from schedules.timing import from_spec

OCCURRENCES = UUID("6f0f6a3e-4a63-4c57-9d0c-0d6f0e1c8f4b")
"""Namespace of execution ids: one occurrence has one id, however often it is planned."""


def plan_due(
    *, now: datetime, backlog: Backlog = EMPTY, for_outbox: bool = False, most: int | None = None
) -> list[PlannedRun]:
    """Write the runs of due jobs, of `most` at once (or else `plan_batch`), and move each job on;
    return those to tell the broker about.

    What is sent behind a `backlog` is not looked at again before that can have been worked off.
    Nothing is sent here. The caller publishes after this transaction has committed; what it does
    not get round to, the outbox brings up again. With `for_outbox` there is nothing to publish: all
    of it is the outbox's, at once. Several Beats plan side by side: each locks its own jobs.
    """
    has_one_writer = not connection.features.has_select_for_update_skip_locked
    if has_one_writer and not Job.objects.due(now).exists():
        return []  # without a transaction: each takes the write lock
    with transaction.atomic():
        due = Job.objects.due(now).locked()[: most or options().plan_batch]
        jobs = load(due, now=now, by=JobQuerySet.to_plan)
        free = _without_held_one_offs(jobs)
        return plan_jobs(free, now=now, backlog=backlog, for_outbox=for_outbox)


def _without_held_one_offs(jobs: Sequence[Job]) -> Sequence[Job]:
    """Leave out the one-offs whose periodic task somebody else is just writing to: it is disabled
    together with the job.
    """
    tasks = {job.periodic_task_id for job in jobs if job.one_off}
    held = lock_but(PeriodicTask.objects.filter(pk__in=tasks)) if tasks else ()
    return [job for job in jobs if job.periodic_task_id not in held] if held else jobs


def plan_jobs(
    jobs: Sequence[Job],
    *,
    now: datetime,
    through: datetime | None = None,
    backlog: Backlog = EMPTY,
    for_outbox: bool = False,
) -> list[PlannedRun]:
    """Plan what is due of the given jobs, which the caller has locked.

    With `through` also what is due up to that instant but for its jitter; the outbox then sends it,
    as it does with `for_outbox`.
    """
    started = [job.next_run_at for job in jobs if job.next_run_at is not None]
    everything = global_pauses(reaching=min(started, default=now))
    changes = rows_of(jobs, now=now)
    decider = Decider(now=now, most=options().most_occurrences, through=through)
    again_at = {
        queue: None if for_outbox or through is not None else now + _first_look(backlog, queue)
        for queue in {job.queue for job in jobs}
    }
    rows: list[PlannedRun] = []
    for job in jobs:
        try:
            said = changes.get(job.pk, NO_ROWS)
            rows += _plan(job, decider, everything, said, now=now, again_at=again_at[job.queue])
        except (DatabaseError, InterfaceError):
            raise  # tells nothing about the row
        except Exception as error:  # noqa: BLE001 - the job says so, and all others go on
            put_aside(job, error, now=now)
    # A conflict means that the occurrence has its run already; it keeps it, under the same id.
    write_runs(connection, rows)
    if changes:
        give_arguments(rows, changes)
    move_on(connection, jobs)
    _disable_spent(jobs)
    _flag_ended(jobs)
    ended = [run.task_id for run in rows if run.state in FINAL]
    if ended:
        transaction.on_commit(lambda: _announce(ended), robust=True)
    # What was moved to a later time, or has arguments of its own, is left to the outbox.
    return [run for run in rows if run.state == RunState.SENT]


def _first_look(backlog: Backlog, queue: str) -> timedelta:
    """Return how long after its sending a run is looked at for the first time."""
    longest = options().send_again_at_most_after
    return max(options().send_again_after, min(backlog.worked_off_in(queue), longest))


def settle(job: Job, *, until: datetime) -> None:
    """Plan all that the locked job's timetable had up to `until`, however much that is: what
    follows is another timetable's, or another policy's.
    """
    while job.timetable and job.next_run_at is not None and job.next_run_at <= until:
        plan_jobs([job], now=until, through=until)


def policy_of(job: Job, *, everything: Sequence[Halt] = ()) -> Policy:
    """Return what planning needs to know of the job's policy, and of the pauses of everything."""
    return Policy(
        misfire_grace=job.misfire_grace,
        coalesce=job.coalesce,
        jitter=job.jitter,
        one_off=job.one_off,
        halts=halts_of(job, everything),
    )


def _plan(
    job: Job,
    decider: Decider,
    everything: Sequence[Halt],
    said: Rows,
    *,
    now: datetime,
    again_at: datetime | None,
) -> list[PlannedRun]:
    renew(job)
    if job.next_run_at is None or job.timetable is None:
        name = "timetable" if job.timetable is None else "next_run_at"
        raise InvalidInput(name, None, "a job that is due has one")
    refuse_other_shapes(job)
    decision = decider.decide(
        from_spec(job.timetable),
        policy_of(job, everything=everything),
        seed=job.key,
        next_run_at=job.next_run_at,
        changes=as_changes(said),
    )
    job.next_run_at = decision.next_run_at
    if job.has_changes:
        settle_changes(job, said, decision, now=now)
    job.next_due_at = due_at_of(job, decision.next_run_at)
    return [
        _row(job, planned, now, None if is_for_outbox(planned, said, now=now) else again_at)
        for planned in decision.rows
    ]


def _row(job: Job, planned: Planned, now: datetime, again_at: datetime | None) -> PlannedRun:
    """A run that its caller sends, to look at again at `again_at`; without that, the outbox's."""
    to_run = planned.state is RunState.PLANNED
    is_sent = to_run and again_at is not None
    return PlannedRun(
        job=job,
        task_id=uuid5(OCCURRENCES, f"{job.pk} {planned.scheduled_at.isoformat()}"),
        options=options_of(job),
        scheduled_at=planned.scheduled_at,
        until=planned.until,
        count=planned.count,
        due_at=planned.due_at,
        expires_at=planned.expires_at,
        state=RunState.SENT if is_sent else planned.state,
        reason=planned.reason,
        instance_id=instance_id(),
        # This Beat publishes at once; if it dies first, another finds the run here.
        publish_at=(again_at or planned.due_at) if to_run else None,
        sends=int(is_sent),
        finished_at=None if to_run else now,
    )


def _announce(task_ids: Sequence[UUID]) -> None:
    """Tell the receivers of `run_finished` about occurrences that ended as they were planned."""
    ended = Run.objects.filter(task_id__in=task_ids).values_list("pk", "state")
    for run_id, state in ended:
        run_finished.send_robust(sender=Run, run_id=run_id, state=RunState(state))


def _disable_spent(jobs: Sequence[Job]) -> None:
    """A one-off that has had its occurrence is disabled, on the stock admin's page too."""
    spent = [job for job in jobs if job.one_off and job.timetable and job.next_run_at is None]
    if spent:
        Job.objects.filter(pk__in=[job.pk for job in spent]).update(is_enabled=False)
        PeriodicTask.objects.filter(pk__in=[job.periodic_task_id for job in spent]).update(
            enabled=False
        )


def _flag_ended(jobs: Sequence[Job]) -> None:
    """Every enabled job has a next occurrence, or says why not."""
    for job in jobs:
        if has_ended(job):
            Job.objects.filter(pk=job.pk).update(flagged_reason=flag_of(job))
