"""Where a job's timetable goes on."""

from datetime import datetime

from schedules.dispatch.changes import moved_ahead
from schedules.models import Job
from schedules.timing import from_spec, jitter_of


def next_occurrence(job: Job, *, after: datetime) -> datetime | None:
    """Return the first occurrence of the timetable in force strictly later than `after`."""
    if job.timetable is None or not (job.is_enabled and job.is_active):
        return None
    return from_spec(job.timetable).next_after(after)


def due_at_of(job: Job, instant: datetime | None) -> datetime | None:
    """Return when Beat has to look at the job whose next occurrence is at `instant`: its jitter
    later, or sooner where a later occurrence was moved ahead of that.
    """
    if instant is None:
        return None
    natural = instant + jitter_of(job.jitter, seed=job.key, instant=instant)
    ahead = moved_ahead(job) if job.has_changes else None
    return natural if ahead is None else min(natural, ahead)


ENDED = "It does not run by itself any more: its timetable has no further occurrence."


def has_ended(job: Job) -> bool:
    """Whether the job is to run and never will, for no other reason than its timetable's end."""
    is_in_force = job.is_enabled and job.is_active and job.timetable is not None
    return is_in_force and not job.one_off and job.next_run_at is None


def flag_of(job: Job) -> str:
    """Return what a person should see of the job: that it has ended, unless there is graver, or it
    runs after another one.
    """
    runs_after = has_ended(job) and job.pk and job.dependencies.filter(until__isnull=True).exists()
    if has_ended(job) and not runs_after:
        return job.flagged_reason or ENDED
    return "" if job.flagged_reason == ENDED else job.flagged_reason
