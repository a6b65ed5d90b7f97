"""`/jobs`: making, reading, changing and deleting jobs, and acting on them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status
from pydantic import Field

from schedules.access import MANAGE, OPERATE, VIEW, actor_name
from schedules.api.flood import check_triggers
from schedules.api.job_schemas import (
    JobActionRequest,
    JobActionResponse,
    JobCreate,
    JobPage,
    JobUpdate,
    NextRuns,
    ScheduledJob,
    as_values,
)
from schedules.api.preconditions import idempotency_key, put_tag, versions_asked
from schedules.api.words import language_of
from schedules.errors import InvalidInput
from schedules.models import Job
from schedules.operations.ahead_shapes import next_shapes
from schedules.operations.create import create_job, find_function
from schedules.operations.edit import update_job
from schedules.operations.last_runs import with_last_runs
from schedules.operations.listing import find_job, page_of_jobs
from schedules.operations.shapes import JOB_TYPE_IDS, job_shape
from schedules.operations.switch import (
    delete_job,
    disable_job,
    enable_job,
    pause_job,
    resume_job,
    skipped_by_pause,
)
from schedules.operations.trigger import trigger
from schedules.querysets.clock import database_now
from schedules.rest.camel import Flag
from schedules.rest.pages import PageQuery, envelope
from schedules.rest.rights import caller, needs
from schedules.states import After

router = Router(tags=["jobs"], by_alias=True)


class JobQuery(PageQuery):
    """Which jobs."""

    is_enabled: Flag | None = None
    job_type_id: Annotated[int, Field(ge=1, le=4)] | None = None


class NextQuery(Schema):
    """How many occurrences."""

    count: Annotated[int, Field(ge=1, le=100)] = 10


@router.post("/jobs", auth=needs(MANAGE), response={201: ScheduledJob}, operation_id="createJob")
def create(request: HttpRequest, response: HttpResponse, data: JobCreate) -> Any:
    """Make a job. Give exactly one of an interval, a `cronExpression` and `runAt`, or none of them
    and the jobs that it runs `after`.
    """
    function = find_function(number=data.task_function_id, key=data.task_function_key)
    values = as_values(data)
    values["after"] = _after(data)
    now = database_now()
    job = create_job(
        function,
        values=values,
        by=caller(request),
        source="api",
        now=now,
        reason=data.reason or "",
    )
    response.headers["Location"] = f"{request.path.rstrip('/')}/{job.pk}"
    return Status(201, _reply(request, response, job))


@router.get("/jobs", auth=needs(VIEW), response=JobPage, operation_id="listJobs")
def list_all(request: HttpRequest, response: HttpResponse, query: Query[JobQuery]) -> Any:
    """List the jobs that nobody has deleted."""
    kinds = {number: kind for kind, number in JOB_TYPE_IDS.items()}
    jobs, total = page_of_jobs(
        page=query.page,
        per_page=query.per_page,
        is_enabled=query.is_enabled,
        job_type=kinds[query.job_type_id] if query.job_type_id else None,
    )
    language = language_of(request, response)
    items = [job_shape(job, language=language) for job in with_last_runs(jobs)]
    return envelope(query, items, total=total)


@router.get("/jobs/{job_id}", auth=needs(VIEW), response=ScheduledJob, operation_id="getJob")
def get(request: HttpRequest, response: HttpResponse, job_id: str) -> Any:
    """Show a job, by its number or its key."""
    return _reply(request, response, job_or_404(job_id))


@router.put("/jobs/{job_id}", auth=needs(MANAGE), response=ScheduledJob, operation_id="updateJob")
def update(request: HttpRequest, response: HttpResponse, job_id: str, data: JobUpdate) -> Any:
    """Change a job. What is left out stays, null clears; If-Match guards against lost updates."""
    job = job_or_404(job_id)
    changes = as_values(data)
    if "after" in data.model_fields_set:
        changes["after"] = _after(data)
    if data.task_function_id is not None or data.task_function_key is not None:
        changes["task_function"] = find_function(
            number=data.task_function_id, key=data.task_function_key
        )
    changed = update_job(
        job,
        changes=changes,
        by=caller(request),
        source="api",
        now=database_now(),
        versions=versions_asked(request, job),
        reason=data.reason or "",
    )
    return _reply(request, response, changed)


@router.patch("/jobs/{job_id}", auth=needs(MANAGE), response=ScheduledJob, operation_id="patchJob")
def patch(request: HttpRequest, response: HttpResponse, job_id: str, data: JobUpdate) -> Any:
    """Change a job; the same as PUT."""
    return update(request, response, job_id, data)


@router.delete(
    "/jobs/{job_id}", auth=needs(MANAGE), response=ScheduledJob, operation_id="deleteJob"
)
def delete(request: HttpRequest, response: HttpResponse, job_id: str) -> Any:
    """Delete a job softly; its history stays. A critical one (`isPrimary`) is refused."""
    job = job_or_404(job_id)
    versions = versions_asked(request, job)
    now = database_now()
    deleted = delete_job(job, by=caller(request), source="api", now=now, versions=versions)
    return _reply(request, response, deleted)


@router.post(
    "/jobs/{job_id}/action",
    auth=needs(OPERATE),
    response=JobActionResponse,
    operation_id="performJobAction",
)
def act(request: HttpRequest, response: HttpResponse, job_id: str, data: JobActionRequest) -> Any:
    """Enable, disable, trigger, pause or resume a job.

    `trigger` heeds Idempotency-Key: the same request with the same key gives the same run. It
    answers 409, with the running `executionId`, when the job may not overlap itself.
    """
    job = job_or_404(job_id)
    now = database_now()
    run_id: UUID | None = None
    paused_at = job.paused_at if data.action == "resume" else None
    if data.action == "trigger":
        run_id = _trigger(request, job, data, now)
        job = job_or_404(str(job.pk))
    else:
        job = _switch(request, job, data, now)
    return {
        "success": True,
        "message": f"Job {MESSAGES[data.action]} successfully",
        "executionId": str(run_id) if run_id else None,
        "skippedRuns": skipped_by_pause(job, since=paused_at) if paused_at else None,
        "job": _reply(request, response, job),
    }


@router.get(
    "/jobs/{job_id}/next", auth=needs(VIEW), response=NextRuns, operation_id="nextOccurrences"
)
def next_occurrences(request: HttpRequest, job_id: str, query: Query[NextQuery]) -> Any:
    """List the next occurrences of a job by the timetable in force, with what clock changes and
    persons make of them; pauses are not looked at.
    """
    job = job_or_404(job_id)
    found = next_shapes(job, now=database_now(), count=query.count)
    return {"occurrences": [one["at"] for one in found], "items": found}


MESSAGES = {
    "enable": "enabled",
    "disable": "disabled",
    "trigger": "triggered",
    "pause": "paused",
    "resume": "resumed",
}


def job_or_404(reference: str) -> Job:
    """Return the existing job with this number or key. Raises Http404."""
    # No text with U+0000 reaches a database that would stumble over it.
    job = None if "\x00" in reference else find_job(reference)
    if job is None:
        raise Http404(f"There is no job {reference!r}.")
    return job


def job_named(reference: str, *, field: str, or_deleted: bool = False) -> Job:
    """Return the job that a body or a query names, on request a deleted one too. Raises
    InvalidInput about the field.
    """
    job = find_job(reference, or_deleted=or_deleted)
    if job is None:
        raise InvalidInput(field, reference, "the key or number of a job")
    return job


def _after(data: JobCreate | JobUpdate) -> list[tuple[Job, After]]:
    """Return the jobs to run after. Raises InvalidInput for one that does not exist."""
    pairs = []
    for place, one in enumerate(data.after or ()):
        pairs.append((job_named(one.job, field=f"after.{place}.job"), After(one.when)))
    return pairs


def _trigger(request: HttpRequest, job: Job, data: JobActionRequest, now: datetime) -> UUID:
    if data.until is not None:
        raise InvalidInput("until", data.until.isoformat(), "used with pause only")
    user = caller(request)
    check_triggers(user, now=now)
    run = trigger(
        job,
        now=now,
        by=actor_name(user),
        source="api",
        reason=data.reason or "",
        kwargs=data.kwargs,
        idempotency_key=idempotency_key(request),
        versions=versions_asked(request, job),
    )
    return run.task_id


def _switch(request: HttpRequest, job: Job, data: JobActionRequest, now: datetime) -> Job:
    if data.kwargs is not None:
        raise InvalidInput("kwargs", "an object", "used with trigger only")
    common: dict[str, Any] = {
        "by": caller(request),
        "source": "api",
        "now": now,
        "reason": data.reason or "",
        "versions": versions_asked(request, job),
    }
    if data.action == "pause":
        return pause_job(job, until=data.until, **common)
    if data.until is not None:
        raise InvalidInput("until", data.until.isoformat(), "used with pause only")
    verbs = {"enable": enable_job, "disable": disable_job, "resume": resume_job}
    return verbs[data.action](job, **common)


def _reply(request: HttpRequest, response: HttpResponse, job: Job) -> dict[str, Any]:
    put_tag(response, job)
    with_last_runs([job])
    return job_shape(job, language=language_of(request, response))
