"""What becomes of a run that finds every slot of its job taken: the five overlap policies.

The claim has decided in its one statement that there is no slot; here is only what follows.

What makes up for the past and the timetable do not cost each other an occurrence: a run of a
backfill, or one that a person has run again, always waits, and while one is in the way an
occurrence of the timetable waits, too. Another try is never skipped: that would hide how the last
one ended.
"""

from datetime import timedelta
from enum import Enum

from celery import current_app

from schedules.finish import Outcome, finish_waiting, grace_of
from schedules.lease import instance_id
from schedules.models import Run
from schedules.querysets.clock import database_now
from schedules.querysets.runs import RunQuerySet
from schedules.states import Origin, Overlap, RunState

LOOK_AGAIN = timedelta(seconds=30)
"""A held run is sent when a slot comes free; this is for the case that nobody lived to send it."""


WAITS_FOR_A_SLOT = "waits for a slot"
"""The reason on a run that is held."""


class Way(Enum):
    """What becomes of a run without a free slot."""

    WAIT = "wait"
    SKIP = "skip"
    CANCEL_RUNNING = "cancel running"
    """The oldest running one is ended, and this one waits for its slot."""


def way_of(
    policy: Overlap,
    *,
    is_queued: bool,
    is_backfill: bool = False,
    is_behind_a_backfill: bool = False,
    is_another_try: bool = False,
) -> Way:
    """Return what the policy says. `is_queued`: an occurrence before this one waits already."""
    if policy is Overlap.QUEUE_ALL or is_backfill:
        return Way.WAIT
    if policy is Overlap.CANCEL_RUNNING and not is_behind_a_backfill:
        return Way.CANCEL_RUNNING
    may_queue = policy is Overlap.QUEUE_ONE or is_behind_a_backfill
    return Way.WAIT if is_another_try or (may_queue and not is_queued) else Way.SKIP


def give_way(run: Run) -> bool:
    """End or hold `run`, whose claim found no free slot, as its job's policy says. Return whether
    there is one all the same: then it may be claimed again at once.
    """
    if run.job is None:
        return False
    running = list(_running(run).order_by("started_at"))
    if len(running) < run.job.max_instances:
        # What was in the way has just ended, or another run has just taken the same slot.
        return True
    in_the_way = running[0]
    queued = _queued_before(run)
    way = way_of(
        Overlap(run.job.overlap),
        is_queued=queued is not None,
        is_backfill=_makes_up(run),
        is_behind_a_backfill=any(_makes_up(other) for other in running),
        is_another_try=run.attempt > 0,
    )
    if way is Way.SKIP:
        waits = f"; run {queued.task_id} waits already" if queued is not None else ""
        _skip(run, f"overlap with run {in_the_way.task_id}{waits}")
        return False
    _hold(run)
    if _running(run).count() < run.job.max_instances:
        return True  # who ended between our looks has not seen it held
    if way is Way.CANCEL_RUNNING:
        # Its worker ends the process, and with the slot free the held run is sent.
        current_app.control.revoke(str(in_the_way.task_id), terminate=True)
    return False


def _running(run: Run) -> RunQuerySet:
    return Run.objects.running().filter(job=run.job)


def _makes_up(run: Run) -> bool:
    """Whether the run stands for an occurrence that was missed, or went wrong, before."""
    is_again = run.origin == Origin.OPERATOR and run.parent_id is not None
    return is_again or run.origin == Origin.BACKFILL


def _skip(run: Run, reason: str) -> None:
    outcome = Outcome(state=RunState.SKIPPED, reason=reason)
    finish_waiting(run, outcome, instance_id=instance_id())


def _hold(run: Run) -> None:
    """Let the run wait; whoever ends a run of the job sends the longest waiting one.

    It was on time, so its misfire grace begins anew with every look.
    """
    look_at = database_now() + LOOK_AGAIN
    grace = grace_of(run)
    Run.objects.waiting().filter(pk=run.pk).update(
        publish_at=look_at,
        expires_at=None if grace is None else look_at + grace + LOOK_AGAIN,
        state=RunState.PLANNED,
        reason=WAITS_FOR_A_SLOT,
    )


def _queued_before(run: Run) -> Run | None:
    """Return a due run of the job that waits, and whose occurrence lies before this one's."""
    waiting = Run.objects.waiting().filter(job=run.job, due_at__lte=database_now())
    waiting = waiting.exclude(pk=run.pk).exclude(origin=Origin.BACKFILL)
    waiting = waiting.exclude(origin=Origin.OPERATOR, parent_id__isnull=False)
    return waiting.filter(scheduled_at__lt=run.scheduled_at).first()
