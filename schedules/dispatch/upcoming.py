"""Where a job's timetable goes on."""

from datetime import datetime

from schedules.models import Job
from schedules.timing import from_spec, jitter_of


def next_occurrence(job: Job, *, after: datetime) -> datetime | None:
    """Return the first occurrence of the timetable in force strictly later than `after`."""
    if job.timetable is None or not (job.is_enabled and job.is_active):
        return None
    return from_spec(job.timetable).next_after(after)


def due_at_of(job: Job, instant: datetime | None) -> datetime | None:
    """Return when Beat has to look at the occurrence at `instant`: its jitter later."""
    if instant is None:
        return None
    return instant + jitter_of(job.jitter, seed=job.key, instant=instant)


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
