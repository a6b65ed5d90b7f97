"""The JSON of jobs, runs and instances, in one place for CLI and API: camelCase, UTC with Z.

Durations are whole numbers whose unit is part of the name; `misfireGraceTime` is in seconds, -1 for
"however late".
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from celery import states
from django_celery_results.models import TaskResult

from schedules.errors import ReportedFailure
from schedules.models import (
    Backfill,
    Calendar,
    Dependency,
    Instance,
    Job,
    Run,
    TaskFunction,
    Verdict,
)
from schedules.operations.attention import Concern
from schedules.operations.backfill import Progress
from schedules.operations.failures import Group
from schedules.operations.parked_list import RecoveryReport
from schedules.operations.status import SchedulerStatus
from schedules.operations.timetables import current_timetable, parts_of
from schedules.operations.wording import iso
from schedules.redaction import redacted
from schedules.states import JobType, RunState
from schedules.timing import At, Cron, Every, Solar
from schedules.timing.instants import in_seconds

JOB_TYPE_IDS = {JobType.INTERVAL: 1, JobType.CRON: 2, JobType.CLOCKED: 3, JobType.SOLAR: 4}

STATUSES: dict[RunState, tuple[int, str]] = {
    RunState.PLANNED: (1, "pending"),
    RunState.RUNNING: (2, "running"),
    RunState.SUCCEEDED: (3, "success"),
    RunState.FAILED: (4, "failed"),
    RunState.MISSED: (5, "missed"),
    RunState.SKIPPED: (6, "skipped"),
    RunState.CANCELLED: (7, "cancelled"),
    RunState.RETRYING: (8, "retrying"),
    RunState.LOST: (9, "lost"),
    RunState.TIMED_OUT: (10, "timed_out"),
    RunState.SENT: (11, "queued"),
}
"""Published numbers and names of the states; they never change their meaning."""

UNLIMITED = -1

NONE_ID, NONE_NAME = 0, "none"
"""Published where clients know no null: an undeclared task's function, an invalid job's type."""


def job_shape(job: Job, *, language: str = "en") -> dict[str, Any]:
    """Return a job. Wants `task_function` loaded. `name` and `description` are in `language` where
    they have been translated, otherwise in English.
    """
    function = job.task_function
    kind = JobType(job.job_type) if job.job_type else None
    return {
        "id": job.pk,
        "key": job.key,
        "taskFunctionId": function.pk if function else NONE_ID,
        "taskFunctionKey": function.key if function else job.task,
        "jobTypeId": JOB_TYPE_IDS[kind] if kind else NONE_ID,
        "jobTypeName": kind.value if kind else NONE_NAME,
        "name": in_language(job, "name", language) or job.key,
        "description": in_language(job, "description", language),
        "nameEn": job.name_en or None,
        "nameAr": job.name_ar or None,
        "nameId": job.name_id or None,
        "descriptionEn": job.description_en or None,
        "descriptionAr": job.description_ar or None,
        "descriptionId": job.description_id or None,
        **_timetable_shape(job),
        "args": job.args,
        "kwargs": job.kwargs,
        "priority": job.priority,
        "maxInstances": job.max_instances,
        "misfireGraceTime": _grace_seconds(job.misfire_grace),
        "coalesce": job.coalesce,
        "isEnabled": job.is_enabled,
        "isActive": job.is_active,
        "isPrimary": job.is_primary,
        "isPaused": job.is_paused,
        "pausedAt": _instant(job.paused_at),
        "pausedUntil": _instant(job.paused_until),
        "pausedBy": job.paused_by or None,
        "pauseReason": job.pause_reason or None,
        "overlap": job.overlap,
        "jitterSeconds": in_seconds(job.jitter),
        "timeLimitSeconds": in_seconds(job.time_limit),
        "softTimeLimitSeconds": in_seconds(job.soft_time_limit),
        "maxRetries": job.max_retries,
        "retryDelaySeconds": in_seconds(job.retry_delay),
        "onLost": job.on_lost,
        "exclusive": job.exclusive,
        "retentionSeconds": in_seconds(job.retention),
        "version": job.version,
        "owner": job.owner,
        "overridden": job.overridden,
        "invalidReason": job.invalid_reason,
        "checks": job.checks or [],
        "lastRunAt": _instant(job.last_run_at),
        "nextRunAt": _instant(job.next_run_at),
        "createdAt": _instant(job.created_at),
        "updatedAt": _instant(job.updated_at),
    }


def calendar_shape(calendar: Calendar, *, jobs: Sequence[str]) -> dict[str, Any]:
    """Return a calendar with the keys of the jobs that go by it."""
    return {
        "name": calendar.name,
        "dates": calendar.dates,
        "weekdays": calendar.weekdays,
        "isAllowList": calendar.is_allow_list,
        "timezone": calendar.timezone,
        "jobs": list(jobs),
    }


def dependency_shape(dependency: Dependency) -> dict[str, Any]:
    """Return what a job runs after. Wants both jobs loaded."""
    return {
        "jobId": dependency.job_id,
        "jobKey": dependency.job.key,
        "upstreamId": dependency.upstream_id,
        "upstreamKey": dependency.upstream.key,
        "when": str(dependency.on),
        "since": iso(dependency.since),
    }


def backfill_shape(backfill: Backfill, progress: Progress) -> dict[str, Any]:
    """Return a backfill and how far it has come. Wants its job loaded."""
    return {
        "id": str(backfill.pk),
        "jobId": backfill.job_id,
        "jobKey": backfill.job.key,
        "from": iso(backfill.first),
        "to": iso(backfill.last),
        "which": str(backfill.which),
        "order": "newest_first" if backfill.newest_first else "oldest_first",
        "atOnce": backfill.at_once,
        "state": str(backfill.state),
        "total": backfill.total,
        "planned": backfill.planned,
        "waiting": progress.waiting,
        "running": progress.running,
        "succeeded": progress.succeeded,
        "failed": progress.failed,
        "neverRan": progress.never_ran,
        "reason": backfill.reason,
        "requestedBy": backfill.requested_by,
        "createdAt": iso(backfill.created_at),
        "endedAt": _instant(backfill.ended_at),
    }


def run_shape(run: Run, *, hosts: Mapping[UUID, str]) -> dict[str, Any]:
    """Return a run, without its arguments and result. `hosts` as `hosts_of` gives them."""
    status_id, status_name = STATUSES[RunState(run.state)]
    instance = run.instance_id
    return {
        "id": run.pk,
        "jobId": run.job_id,
        "jobKey": run.job_key,
        "executionId": str(run.task_id),
        "taskKey": run.task,
        "naturalKey": run.natural_key,
        "scheduledAt": iso(run.scheduled_at),
        "until": _instant(run.until),
        "count": run.count,
        "dueAt": iso(run.due_at),
        "startedAt": _instant(run.started_at),
        "completedAt": _instant(run.finished_at),
        "durationMs": duration_ms(run),
        "statusId": status_id,
        "statusName": status_name,
        "errorMessage": run.error or None,
        "resultSummary": run.summary or None,
        "executorId": str(instance) if instance else "",
        "hostName": hosts.get(instance, "") if instance else "",
        "attempt": run.attempt,
        "origin": run.origin,
        "reason": run.reason,
        "suspectReason": run.suspect_reason,
        "dismissedAt": _instant(run.dismissed_at),
        "requestedBy": run.requested_by,
    }


def group_shape(group: Group, *, with_message: bool) -> dict[str, Any]:
    """Return failures of one cause."""
    return {
        "id": group.id,
        "subject": group.subject,
        "jobId": group.job_id,
        "exception": group.exception,
        "message": group.message if with_message else None,
        "statusName": STATUSES[group.state][1],
        "count": group.number,
        "firstAt": iso(group.first_at),
        "lastAt": iso(group.last_at),
        "newestExecutionId": str(group.newest_id),
    }


def concern_shape(concern: Concern) -> dict[str, Any]:
    """Return a job that is late."""
    return {
        "jobId": concern.job.pk,
        "jobKey": concern.job.key,
        "dueAt": _instant(concern.since),
    }


def report_shape(report: RecoveryReport) -> dict[str, Any]:
    """Return what the last recovery found."""
    return {
        "jobKey": report.job.key,
        "executionId": str(report.run.task_id),
        "statusName": STATUSES[RunState(report.run.state)][1],
        "figures": dict(report.figures),
    }


def instance_shape(instance: Instance, *, is_alive: bool) -> dict[str, Any]:
    """Return a Beat or a worker."""
    return {
        "id": str(instance.pk),
        "kind": instance.kind,
        "name": instance.name,
        "hostName": instance.host,
        "pid": instance.pid,
        "mode": instance.mode,
        "status": instance.status,
        "isAlive": is_alive,
        "startedAt": iso(instance.started_at),
        "lastHeartbeat": iso(instance.heartbeat_at),
    }


def status_shape(status: SchedulerStatus) -> dict[str, Any]:
    """Return how the scheduler stands; nothing in it is ever null."""
    return {
        "isRunning": status.is_running,
        "isPaused": status.is_paused,
        "mode": status.mode,
        "instanceId": status.instance_id,
        "activeInstances": status.active_instances,
        "totalJobs": status.total_jobs,
        "enabledJobs": status.enabled_jobs,
        "invalidJobs": status.invalid_jobs,
        "runningExecutions": status.running_runs,
        "parkedExecutions": status.parked_runs,
        "lastHeartbeat": iso(status.last_heartbeat),
        "instances": [
            instance_shape(instance, is_alive=instance.pk in status.alive)
            for instance in status.instances
        ],
    }


def duration_ms(run: Run) -> int | None:
    """Return how long the last attempt took, in milliseconds; None until it has ended."""
    if run.started_at is None or run.finished_at is None:
        return None
    return max(0, (run.finished_at - run.started_at) // timedelta(milliseconds=1))


def function_shape(function: TaskFunction, *, language: str = "en") -> dict[str, Any]:
    """Return a declared task."""
    return {
        "id": function.pk,
        "key": function.key,
        "name": in_language(function, "name", language) or function.key,
        "nameEn": function.name_en,
        "nameAr": function.name_ar or None,
        "nameId": function.name_id or None,
        "descriptionEn": function.description_en or None,
        "descriptionAr": function.description_ar or None,
        "descriptionId": function.description_id or None,
        "isActive": function.is_active,
        "arguments": function.arguments,
    }


def in_language(row: Job | TaskFunction, field: str, language: str) -> str | None:
    """Return the row's name or description in the language (en, ar, id), else in English; a job
    without its own has its task's.
    """
    for code in (language, "en"):
        text = getattr(row, f"{field}_{code}", "")
        if text:
            return str(text)
    if isinstance(row, Job) and row.task_function is not None:
        return in_language(row.task_function, field, language)
    return None


def log_shape(run: Run) -> dict[str, Any]:
    """Return what a run has said so far."""
    return {
        "executionId": str(run.task_id),
        "statusName": STATUSES[RunState(run.state)][1],
        "isFinished": run.is_final,
        "log": run.log,
        "progress": run.progress,
    }


def details_shape(run: Run, result: TaskResult | None, verdict: Verdict | None) -> dict[str, Any]:
    """Return what went into a run and came out of it."""
    return {
        "args": redacted(run.args),
        "kwargs": redacted(run.kwargs),
        "resultData": result_data(result),
        "errorTraceback": result.traceback if result else None,
        "log": run.log or None,
        "progress": run.progress,
        "checks": None if verdict is None else verdict.findings,
    }


def result_data(result: TaskResult | None) -> Any:
    """Return what a body returned, as JSON; None where there is nothing, or nothing readable.

    Of a body that returned {"success": false} it is that too, not the exception in which Celery's
    own row keeps it. Of one that raised it is the exception.
    """
    if result is None or not result.result:
        return None
    try:
        data = json.loads(result.result, parse_constant=str)  # NaN, which is no JSON
    except ValueError:
        return None
    match data:
        case {"exc_type": ReportedFailure.__name__, "exc_message": [_, returned]}:
            return returned if result.status == states.FAILURE else data
    return data


def _timetable_shape(job: Job) -> dict[str, Any]:
    cron, zone, run_at = None, None, None
    parts: dict[str, int] = {}
    solar: dict[str, Any] = {}
    window = job.timetable if (job.timetable or {}).get("type") == "window" else {}
    match current_timetable(job):
        case Cron() as timetable:
            cron, zone = timetable.expression, timetable.tz
        case Every() as timetable:
            parts = parts_of(job, timetable.interval)
        case At() as timetable:
            run_at = iso(timetable.instant)
        case Solar(event=event, latitude=latitude, longitude=longitude):
            solar = {"event": event, "latitude": latitude, "longitude": longitude}
    return {
        "cronExpression": cron or job.cron_text or None,
        "timezone": zone,
        "dayRule": job.day_rule if cron else None,
        "intervalSeconds": parts.get("seconds"),
        "intervalMinutes": parts.get("minutes"),
        "intervalHours": parts.get("hours"),
        "intervalDays": parts.get("days"),
        "intervalWeeks": parts.get("weeks"),
        "runAt": run_at,
        "solarEvent": solar.get("event"),
        "latitude": solar.get("latitude"),
        "longitude": solar.get("longitude"),
        "startsAt": (window or {}).get("starts_at"),
        "endsAt": (window or {}).get("ends_at"),
        "calendar": job.calendar.name if job.calendar else None,
        "dayOff": job.day_off,
    }


def _grace_seconds(grace: timedelta | None) -> int:
    return UNLIMITED if grace is None else int(grace.total_seconds())


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else iso(instant)
