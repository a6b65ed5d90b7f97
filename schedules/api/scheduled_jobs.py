"""`/scheduled-jobs`: the five older addresses, snake_case, keyed by the job's key.

Reading needs the permission to view, triggering the one to operate, whatever the other routers ask.
Errors and results are null for those who may not see the details of a run.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from django.http import Http404, HttpRequest, HttpResponse
from django_celery_results.models import TaskResult
from ninja import Query, Router, Schema
from pydantic import BaseModel, Field

from schedules.access import OPERATE, VIEW, VIEW_DETAILS, actor_name
from schedules.api.flood import check_triggers
from schedules.api.preconditions import idempotency_key
from schedules.api.words import language_of
from schedules.models import Job, Run
from schedules.operations.history import history
from schedules.operations.last_runs import with_last_runs
from schedules.operations.listing import page_of_jobs
from schedules.operations.shapes import (
    JOB_TYPE_IDS,
    STATUSES,
    duration_ms,
    in_language,
    result_data,
)
from schedules.operations.trigger import trigger
from schedules.operations.wording import iso, timetable_words
from schedules.querysets.clock import database_now
from schedules.rest.camel import Asked, Moment
from schedules.rest.rights import caller, may, needs
from schedules.states import RunState

router = Router(tags=["scheduled-jobs"])

Limit = Annotated[int, Field(ge=1, le=100)]


class LimitQuery(Schema):
    """How many, newest first."""

    limit: Limit = 20


class ListQuery(Schema):
    """Which part of the list."""

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    limit: Limit = 100


class KeyedJob(BaseModel):
    """A job."""

    job_id: str
    name: str
    description: str | None
    schedule: str
    job_type: str | None
    is_enabled: bool
    is_paused: bool
    next_run_at: Moment | None
    last_run_at: Moment | None


class KeyedExecution(BaseModel):
    """One run that has ended, or is under way (`finished_at` is null then).

    `error_trace` and `result_data` are null for those who may not see the details of a run, and
    `message` is no more than why it was decided so.
    """

    job_id: str
    execution_id: str
    status: str
    started_at: Moment | None
    finished_at: Moment | None
    duration_seconds: float | None
    success: bool
    message: str | None
    error_trace: str | None
    result_data: Any


class NothingAsked(Asked):
    """No fields: the older interface knows none here. Arguments and reasons are given to
    `/jobs/{id}/action`.
    """


class KeyedTrigger(BaseModel):
    """The run that was planned."""

    success: bool
    message: str
    job_id: str
    execution_id: str


@router.get(
    "",
    auth=needs(VIEW, each=True),
    response=list[KeyedJob],
    include_in_schema=False,
    operation_id="listScheduledJobsBare",
)
@router.get(
    "/",
    auth=needs(VIEW, each=True),
    response=list[KeyedJob],
    operation_id="listScheduledJobs",
)
def list_all(request: HttpRequest, response: HttpResponse, query: Query[ListQuery]) -> Any:
    """List the jobs; how many there are in all is in X-Total-Count."""
    jobs, total = page_of_jobs(page=query.page, per_page=query.limit)
    response.headers["X-Total-Count"] = str(total)
    language = language_of(request, response)
    return [_job(job, language) for job in with_last_runs(jobs)]


@router.get(
    "/executions/recent",
    auth=needs(VIEW, each=True),
    response=list[KeyedExecution],
    operation_id="listRecentScheduledJobExecutions",
)
def recent(request: HttpRequest, query: Query[LimitQuery]) -> Any:
    """List the latest runs of all jobs."""
    return _executions(history(per_page=query.limit).runs, request)


@router.get(
    "/{key}",
    auth=needs(VIEW, each=True),
    response=KeyedJob,
    operation_id="getScheduledJob",
)
def get(request: HttpRequest, response: HttpResponse, key: str) -> Any:
    """Show a job."""
    [job] = with_last_runs([_job_or_404(key)])
    return _job(job, language_of(request, response))


@router.post(
    "/{key}/trigger",
    auth=needs(OPERATE, each=True),
    response=KeyedTrigger,
    operation_id="triggerScheduledJob",
)
def trigger_now(request: HttpRequest, key: str, data: NothingAsked | None = None) -> Any:
    """Run a job now, beside its timetable, with its own arguments.

    It heeds Idempotency-Key: the same request with the same key gives the same run.
    """
    job, user, now = _job_or_404(key), caller(request), database_now()
    check_triggers(user, now=now)
    asked = idempotency_key(request)
    run = trigger(job, now=now, by=actor_name(user), source="api", idempotency_key=asked)
    return {
        "success": True,
        "message": f"Job {job.key} triggered successfully",
        "job_id": job.key,
        "execution_id": str(run.task_id),
    }


@router.get(
    "/{key}/history",
    auth=needs(VIEW, each=True),
    response=list[KeyedExecution],
    operation_id="listScheduledJobHistory",
)
def job_history(request: HttpRequest, key: str, query: Query[LimitQuery]) -> Any:
    """List the latest runs of a job."""
    return _executions(history(per_page=query.limit, job=_job_or_404(key)).runs, request)


def _job_or_404(key: str) -> Job:
    jobs = Job.objects.existing().select_related("task_function")
    job = None if "\x00" in key else jobs.filter(key=key).first()
    if job is None:
        raise Http404(f"There is no job {key!r}.")
    return job


def _job(job: Job, language: str) -> dict[str, Any]:
    return {
        "job_id": job.key,
        "name": in_language(job, "name", language) or job.key,
        "description": in_language(job, "description", language),
        "schedule": timetable_words(job),
        "job_type": job.job_type if job.job_type in JOB_TYPE_IDS else None,
        "is_enabled": job.is_enabled,
        "is_paused": job.is_paused,
        "next_run_at": job.next_run_at and iso(job.next_run_at),
        "last_run_at": job.last_run_at and iso(job.last_run_at),
    }


def _executions(runs: Sequence[Run], request: HttpRequest) -> list[dict[str, Any]]:
    with_details = may(request, VIEW_DETAILS)
    ids = [str(run.task_id) for run in runs] if with_details else []
    results = {result.task_id: result for result in TaskResult.objects.filter(task_id__in=ids)}
    return [
        _execution(run, results.get(str(run.task_id)), with_details=with_details) for run in runs
    ]


def _execution(run: Run, result: TaskResult | None, *, with_details: bool) -> dict[str, Any]:
    length = duration_ms(run)
    told = (run.summary or run.error) if with_details else ""
    return {
        "job_id": run.job_key,
        "execution_id": str(run.task_id),
        "status": STATUSES[RunState(run.state)][1],
        "started_at": run.started_at and iso(run.started_at),
        "finished_at": run.finished_at and iso(run.finished_at),
        "duration_seconds": None if length is None else round(length / 1000, 3),
        "success": run.state == RunState.SUCCEEDED,
        "message": told or run.reason or None,
        "error_trace": result.traceback if result else None,
        "result_data": result_data(result),
    }
