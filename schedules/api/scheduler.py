"""The scheduler as a whole: status, clean-up, the pause of everything, and the fixed lists."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from schedules.access import MANAGE, OPERATE, VIEW
from schedules.api.run_schemas import (
    CleanupReply,
    CleanupRequest,
    PauseAllReply,
    PauseAllRequest,
    SchedulerStatus,
    ShutdownReply,
    StartReply,
    TaskFunctionReply,
    Why,
    Word,
)
from schedules.api.words import execution_statuses, job_types, language_of
from schedules.models import TaskFunction
from schedules.operations.cleanup import clean_up
from schedules.operations.lifecycle import shutdown_scheduler, start_scheduler
from schedules.operations.shapes import function_shape, status_shape
from schedules.operations.status import scheduler_status
from schedules.operations.switch import pause_all, resume_all
from schedules.operations.upkeep_shapes import shut_down_shape, started_shape
from schedules.querysets.clock import database_now
from schedules.rest.rights import caller, needs

router = Router(tags=["scheduler"], by_alias=True)


@router.get("/status", auth=needs(VIEW), response=SchedulerStatus, operation_id="getStatus")
def status(request: HttpRequest) -> Any:
    """Say whether the scheduler runs, and who is there."""
    return status_shape(scheduler_status(now=database_now()))


@router.post("/cleanup", auth=needs(MANAGE), response=CleanupReply, operation_id="cleanupHistory")
def cleanup(request: HttpRequest, data: CleanupRequest | None = None) -> Any:
    """Delete finished runs that are older than `retentionDays`; 30 where nothing is said."""
    days = data.retention_days if data else CleanupRequest().retention_days
    deleted = clean_up(now=database_now(), by=caller(request), source="api", retention_days=days)
    message = f"Cleaned up {deleted} execution records older than {days} days"
    return {"deletedCount": deleted, "message": message}


@router.post("/pause-all", auth=needs(OPERATE), response=PauseAllReply, operation_id="pauseAll")
def pause_everything(request: HttpRequest, data: PauseAllRequest | None = None) -> Any:
    """Plan nothing from now on; occurrences are recorded as skipped, with the reason."""
    asked = data or PauseAllRequest()
    pause_all(
        by=caller(request),
        source="api",
        now=database_now(),
        reason=asked.reason or "",
        drain=asked.drain,
    )
    return {"success": True, "message": "All jobs paused successfully", "isPaused": True}


@router.post("/resume-all", auth=needs(OPERATE), response=PauseAllReply, operation_id="resumeAll")
def resume_everything(request: HttpRequest, data: Why | None = None) -> Any:
    """End the pause of everything."""
    reason = (data.reason if data else None) or ""
    resume_all(by=caller(request), source="api", now=database_now(), reason=reason)
    return {"success": True, "message": "All jobs resumed successfully", "isPaused": False}


@router.post("/start", auth=needs(MANAGE), response=StartReply, operation_id="startScheduler")
def start(request: HttpRequest, data: Why | None = None) -> Any:
    """Put back what is missing of the declared jobs, and end the pause of everything. Processes are
    not started: `isRunning` says whether a Beat lives.
    """
    reason = (data.reason if data else None) or ""
    started = start_scheduler(by=caller(request), source="api", now=database_now(), reason=reason)
    return started_shape(started)


@router.post(
    "/shutdown", auth=needs(MANAGE), response=ShutdownReply, operation_id="shutDownScheduler"
)
def shut_down(request: HttpRequest, data: Why | None = None) -> Any:
    """Plan nothing from now on, and let what is queued or running finish; jobs stay as they are.
    Ask again until `isDone`: then the processes can be ended. `/start` goes on.
    """
    reason = (data.reason if data else None) or ""
    done = shutdown_scheduler(by=caller(request), source="api", now=database_now(), reason=reason)
    return shut_down_shape(done)


@router.get(
    "/task-functions",
    auth=needs(VIEW),
    response=list[TaskFunctionReply],
    operation_id="getTaskFunctions",
)
def task_functions(request: HttpRequest, response: HttpResponse) -> Any:
    """List the tasks that code declares, of which jobs can be made."""
    language = language_of(request, response)
    functions = TaskFunction.objects.filter(is_active=True).order_by("id")
    return [function_shape(function, language=language) for function in functions]


@router.get("/job-types", auth=needs(VIEW), response=list[Word], operation_id="getJobTypes")
def types(request: HttpRequest, response: HttpResponse) -> Any:
    """List the kinds of timetable."""
    return job_types(language_of(request, response))


@router.get(
    "/execution-statuses",
    auth=needs(VIEW),
    response=list[Word],
    operation_id="getExecutionStatuses",
)
def statuses(request: HttpRequest, response: HttpResponse) -> Any:
    """List the states of a run."""
    return execution_statuses(language_of(request, response))
