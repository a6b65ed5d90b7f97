"""`/history` and `/runs`: what happened, and doing it again or calling it off."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from django.http import Http404, HttpRequest
from django_celery_results.models import TaskResult
from ninja import Query, Router, Status
from pydantic import Field

from schedules.access import OPERATE, VIEW, VIEW_DETAILS
from schedules.api.flood import check_triggers
from schedules.api.jobs import job_or_404
from schedules.api.preconditions import idempotency_key
from schedules.api.run_schemas import (
    CancelReply,
    Execution,
    ExecutionDetails,
    ExecutionLog,
    ExecutionPage,
    Why,
)
from schedules.models import Job, Run
from schedules.operations.cancel import CANCELLED, cancel_run
from schedules.operations.history import history
from schedules.operations.listing import hosts_of
from schedules.operations.outcome_checks.judging import recheck_run, verdict_of
from schedules.operations.retry import retry_run
from schedules.operations.shapes import STATUSES, details_shape, log_shape, run_shape
from schedules.querysets.clock import database_now
from schedules.rest.pages import PageQuery, envelope
from schedules.rest.problems import problem
from schedules.rest.rights import caller, may, needs
from schedules.states import FAILURES, RunState

router = Router(tags=["executions"], by_alias=True)


HIDDEN = {"errorMessage": None, "resultSummary": None, "suspectReason": ""}
"""What is answered of a run instead, to who may not see its details."""


class HistoryQuery(PageQuery):
    """Which runs. With a cursor, `page` is not looked at."""

    status_id: Annotated[int, Field(ge=1, le=11)] | None = None
    cursor: Annotated[str, Field(max_length=200)] | None = None


@router.get(
    "/jobs/{job_id}/history",
    auth=needs(VIEW),
    response=ExecutionPage,
    operation_id="getJobHistory",
)
def job_history(request: HttpRequest, job_id: str, query: Query[HistoryQuery]) -> Any:
    """List the runs of a job, newest first. `status_id=4` includes lost and timed out."""
    return _page(request, query, job_or_404(job_id))


@router.get("/history", auth=needs(VIEW), response=ExecutionPage, operation_id="getHistory")
def all_history(request: HttpRequest, query: Query[HistoryQuery]) -> Any:
    """List the runs of all jobs, newest first. `status_id=4` includes lost and timed out."""
    return _page(request, query, None)


@router.get(
    "/runs/{uuid:execution_id}",
    auth=needs(VIEW_DETAILS),
    response=ExecutionDetails,
    operation_id="getExecution",
)
def get(request: HttpRequest, execution_id: UUID) -> Any:
    """Show a run with its arguments, result and traceback."""
    run = run_or_404(execution_id)
    result = TaskResult.objects.filter(task_id=str(run.task_id)).first()
    return {**shape_of(request, run), **details_shape(run, result, verdict_of(run))}


@router.get(
    "/runs/{uuid:execution_id}/log",
    auth=needs(VIEW_DETAILS),
    response=ExecutionLog,
    operation_id="getExecutionLog",
)
def log(request: HttpRequest, execution_id: UUID) -> Any:
    """Show the lines that a run has written so far; they come while it works."""
    return log_shape(run_or_404(execution_id))


@router.post(
    "/runs/{uuid:execution_id}/retry",
    auth=needs(OPERATE),
    response={201: Execution},
    operation_id="retryExecution",
)
def retry(request: HttpRequest, execution_id: UUID, data: Why | None = None) -> Any:
    """Run a run that has ended once more, as a new run with the same arguments.

    It heeds Idempotency-Key: the same request with the same key gives the same run.
    """
    run = run_or_404(execution_id)
    user, now = caller(request), database_now()
    check_triggers(user, now=now)
    again = retry_run(
        run,
        by=user,
        source="api",
        now=now,
        reason=(data.reason if data else None) or "",
        idempotency_key=idempotency_key(request),
    )
    return Status(201, shape_of(request, again))


@router.post(
    "/runs/{uuid:execution_id}/cancel",
    auth=needs(OPERATE),
    response=CancelReply,
    operation_id="cancelExecution",
)
def cancel(request: HttpRequest, execution_id: UUID, data: Why | None = None) -> Any:
    """Call off a run that waits. One that has started or ended is refused with 409."""
    run = run_or_404(execution_id)
    reason = (data.reason if data else None) or ""
    answer = cancel_run(run, by=caller(request), source="api", now=database_now(), reason=reason)
    if answer != CANCELLED:
        return problem(409, f"Run {execution_id} has {answer.replace('_', ' ')}.")
    run.refresh_from_db()
    return {
        "success": True,
        "message": "Execution cancelled successfully",
        "execution": shape_of(request, run),
    }


@router.post(
    "/runs/{uuid:execution_id}/recheck",
    auth=needs(OPERATE),
    response=ExecutionDetails,
    operation_id="recheckExecution",
)
def recheck(request: HttpRequest, execution_id: UUID, data: Why | None = None) -> Any:
    """Hold a success against the checks that its job has now; without any it is refused with 409.

    It stays a success; `suspectReason` says whether it still is suspect.
    """
    run = run_or_404(execution_id)
    reason = (data.reason if data else None) or ""
    recheck_run(run, by=caller(request), source="api", now=database_now(), reason=reason)
    return get(request, execution_id)


def _page(request: HttpRequest, query: Any, job: Job | None) -> dict[str, Any]:
    found = history(
        page=query.page,
        per_page=query.per_page,
        cursor=query.cursor,
        job=job,
        states=_states(query.status_id),
    )
    page = envelope(query, shapes_of(request, found.runs), total=found.total)
    return {**page, "totalIsExact": found.is_exact, "nextCursor": found.cursor}


def _states(status_id: int | None) -> frozenset[RunState] | None:
    if status_id is None:
        return None
    state = next(state for state, (number, _) in STATUSES.items() if number == status_id)
    return FAILURES if state == RunState.FAILED else frozenset({state})


def run_or_404(execution_id: UUID) -> Run:
    """Return the run with its job."""
    run = Run.objects.select_related("job").filter(task_id=execution_id).first()
    if run is None:
        raise Http404(f"There is no execution {execution_id}.")
    return run


def shape_of(request: HttpRequest, run: Run) -> dict[str, Any]:
    """Return the run as JSON; see `shapes_of`."""
    [shape] = shapes_of(request, [run])
    return shape


def shapes_of(request: HttpRequest, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return the runs as JSON, without what came out of them for who may not see that."""
    hosts = hosts_of(runs)
    hidden = {} if may(request, VIEW_DETAILS) else HIDDEN
    return [run_shape(run, hosts=hosts) | hidden for run in runs]
