"""The record of what was in force when: each change of a job's timetable, pause or policy."""

from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection

from schedules.models import Job, Run, ScheduleVersion
from schedules.querysets.clock import as_instant
from schedules.querysets.statements import prepared_cursor
from schedules.states import Origin
from schedules.timing.instants import in_seconds


def write_version(job: Job, *, since: datetime, by: str, reason: str = "") -> None:
    """Note which timetable, pause and policy of the job are in force from `since` on."""
    ScheduleVersion.objects.create(
        job=job,
        number=job.version,
        effective_at=since,
        timetable=job.timetable,
        policy=policy_in_force(job),
        reason=job.invalid_reason or reason,
        changed_by=by,
    )


def policy_in_force(job: Job) -> dict[str, Any]:
    """Return the job's pause and policy as JSON values; durations in seconds, None where open."""
    return {
        "enabled": job.is_enabled,
        "active": job.is_active,
        "one_off": job.one_off,
        "pause": _pause(job),
        "misfire_grace_seconds": in_seconds(job.misfire_grace),
        "coalesce": job.coalesce,
        "jitter_seconds": in_seconds(job.jitter),
        "max_instances": job.max_instances,
        "overlap": str(job.overlap),
        "time_limit_seconds": in_seconds(job.time_limit),
        "soft_time_limit_seconds": in_seconds(job.soft_time_limit),
        "max_retries": job.max_retries,
        "retry_delay_seconds": in_seconds(job.retry_delay),
        "on_lost": str(job.on_lost),
        "exclusive": job.exclusive,
        "tzdata": job.tzdata_version,
    }


def decided_until(job: Job) -> datetime | None:
    """Return the last instant whose occurrence has a row, or the present version's begin if that is
    later; None for a job that was never in force.

    Nothing up to there may be decided anew.
    """
    with prepared_cursor(connection) as cursor:
        cursor.execute(_decided(), [job.pk, Origin.TIMETABLE, job.pk])
        found = [_readable(value) for value in cursor.fetchone()]
    return max((instant for instant in found if instant is not None), default=None)


def _readable(value: object) -> datetime | None:
    """The instant; None for what SQL has put in its place, which SQLite allows and which must not
    keep the job from being edited.
    """
    try:
        return as_instant(value)
    except ValueError:
        return None


@cache
def _decided() -> str:
    # Runs that are due before their own time were moved ahead of it.
    return f"""
        SELECT (SELECT COALESCE(until, scheduled_at) FROM {Run._meta.db_table}
                WHERE job_id = %s AND origin = %s AND due_at >= scheduled_at
                ORDER BY scheduled_at DESC LIMIT 1),
               (SELECT effective_at FROM {ScheduleVersion._meta.db_table}
                WHERE job_id = %s ORDER BY number DESC LIMIT 1)"""  # noqa: S608 - names of ours


def _pause(job: Job) -> dict[str, Any] | None:
    if job.paused_at is None:
        return None
    return {
        "since": job.paused_at.isoformat(),
        "until": job.paused_until.isoformat() if job.paused_until else None,
        "by": job.paused_by,
        "reason": job.pause_reason,
    }
