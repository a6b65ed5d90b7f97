"""Why nothing of a timetable may run: deletion, disabling and pauses, as spans and in words.

Planning asks for the spans, because an occurrence that fell into a pause was paused however late it
is found. The claim asks for the present.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Q

from schedules.models import GlobalPause, Job
from schedules.querysets.runs import RunQuerySet


class Halt(NamedTuple):
    """A pause: from `since`, up to and without `until` (None: open), with the reason in words."""

    since: datetime
    until: datetime | None
    reason: str

    def covers(self, instant: datetime) -> bool:
        """Whether what is due at `instant` is halted."""
        return self.since <= instant and (self.until is None or instant < self.until)


def pause_of(job: Job) -> Halt | None:
    """Return the job's own pause, also one that has run out and was not cleared away yet."""
    if job.paused_at is None:
        return None
    return own_pause(
        since=job.paused_at,
        until=job.paused_until,
        by=job.paused_by,
        reason=job.pause_reason,
    )


def own_pause(*, since: datetime, until: datetime | None, by: str, reason: str) -> Halt:
    """Return the pause of one job with the words for it."""
    end = f" until {until:%FT%TZ}" if until else ""
    why = f": {reason}" if reason else ""
    return Halt(since=since, until=until, reason=f"paused by {by or 'an operator'}{end}{why}")


def global_pauses(*, reaching: datetime | None = None) -> list[Halt]:
    """Return the pauses of everything that are open, and those that ended after `reaching`."""
    wanted = Q(ended_at__isnull=True)
    if reaching is not None:
        wanted |= Q(ended_at__gt=reaching)
    return [
        Halt(
            since=pause.started_at,
            until=pause.ended_at,
            reason=f"everything is paused by {pause.by or 'an operator'}"
            + (f": {pause.reason}" if pause.reason else ""),
        )
        for pause in GlobalPause.objects.filter(wanted).order_by("started_at")
    ]


def let_through(runs: RunQuerySet) -> RunQuerySet:
    """Return those of the runs that no pause of everything holds back, as the claim has it: behind
    one that drains, what was due when it began.
    """
    holds = Q(drain=False) | Q(started_at__lt=OuterRef("due_at"))
    return runs.filter(~Exists(GlobalPause.objects.filter(holds, ended_at__isnull=True)))


def halts_of(job: Job, everything: Sequence[Halt]) -> tuple[Halt, ...]:
    """Return the job's own pause, if it has one, and those of everything."""
    own = pause_of(job)
    return tuple(everything) if own is None else (own, *everything)


def halted(job: Job, *, now: datetime, everything: Sequence[Halt] | None = None) -> str:
    """Say in words why nothing of the job's timetable may run at `now`; empty if it may.

    Whoever asks for many jobs gives the pauses of `everything`.
    """
    if not job.is_active:
        return "its job is deleted"
    if not job.one_off and not (
        job.is_enabled and job.periodic_task is not None and job.periodic_task.enabled
    ):
        return "its job is disabled"
    halts = halts_of(job, global_pauses() if everything is None else everything)
    return next((halt.reason for halt in halts if halt.covers(now)), "")


def barred(job: Job, *, now: datetime) -> str:
    """As `halted`, of a run that is to be planned now: also why the job could not run at all."""
    if job.invalid_reason:
        return f"its job is invalid: {job.invalid_reason}"
    return halted(job, now=now) or ("" if job.is_enabled else "its job is disabled")
