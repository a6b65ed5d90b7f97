"""`/failures`, `/missed` and `/timers`: what went wrong or waits, and dealing with it in bulk."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import Field

from schedules.access import OPERATE, VIEW, VIEW_DETAILS
from schedules.api.flood import check_triggers
from schedules.api.preconditions import idempotency_key
from schedules.api.run_schemas import Execution, Why
from schedules.api.runs import run_or_404, shape_of, shapes_of
from schedules.operations.attention import concerns, overdue_runs
from schedules.operations.conditions import Condition
from schedules.operations.failures import group_failures
from schedules.operations.finding import Wanted, find_runs
from schedules.operations.missed import dismiss_run, run_after_all
from schedules.operations.parked import move_run
from schedules.operations.parked_list import page_of_parked, recovery_reports
from schedules.operations.recovery import Period, dismiss_group, retry_group
from schedules.operations.shapes import concern_shape, group_shape, report_shape
from schedules.operations.wording import iso
from schedules.querysets.clock import database_now
from schedules.rest.camel import Asked, Instant, Moment, Reply, Text
from schedules.rest.pages import PerPage
from schedules.rest.rights import caller, may, needs
from schedules.states import RunState

router = Router(tags=["recovery"], by_alias=True)

USUAL_PERIOD = timedelta(days=1)
LOOKED_BACK = timedelta(days=30)
GroupId = Annotated[str, Field(pattern="^[0-9a-f]{16}$")]


class PeriodQuery(Schema):
    """Failures of which nominal times; of the last 24 hours where nothing is said."""

    from_: Instant | None = Field(None, alias="from")
    to: Instant | None = None


class GroupRequest(Why):
    """The period as the list was asked for, and why."""

    from_: Instant | None = Field(None, alias="from", description="24 hours before `to`.")
    to: Instant | None = Field(None, description="Now.")


class DismissRequest(Asked):
    """Why nothing has to be done."""

    reason: Text


class DismissGroupRequest(GroupRequest):
    """The same, and why nothing has to be done."""

    reason: Text


class FailureGroup(Reply):
    """Failures of one job (or task) by one kind of exception with messages alike."""

    id: str
    subject: str
    job_id: int | None
    exception: str
    message: str | None = Field(description="Null for who may not see details of runs.")
    status_name: str
    count: int
    first_at: Moment
    last_at: Moment
    newest_execution_id: str


class FailureGroups(Reply):
    """The groups, the largest first."""

    items: list[FailureGroup]
    from_: Moment = Field(alias="from")
    to: Moment
    read: int
    is_cut: bool = Field(description="Whether there were more failures than were read.")


class RetriedGroup(Reply):
    """What became of a group."""

    retried: int
    refused: list[str] = Field(description="Why some cannot run again; the first ten.")
    left: int = Field(description="How many are still in the group.")


class DismissedGroup(Reply):
    """What became of a group."""

    dismissed: int


class LateJob(Reply):
    """A job that is due and that no Beat has planned."""

    job_id: int
    job_key: str
    due_at: Moment | None


class MissedQuery(Schema):
    """Which missed runs; those of the last 30 days."""

    dismissed: bool = False
    cursor: Annotated[str, Field(max_length=200)] | None = None
    per_page: PerPage = 50


class MissedAndLate(Reply):
    """What did not run, or does not yet run, when it should."""

    late: list[LateJob]
    overdue: list[Execution] = Field(description="Due, and no worker has taken them.")
    items: list[Execution] = Field(description="Missed ones, newest first.")
    next_cursor: str | None


class AfterAllRequest(Why):
    """For which of the occurrences that the row stands for; by default its last one."""

    at: Instant | None = None


class TimerQuery(Schema):
    """Which parked calls."""

    q: Annotated[str, Field(max_length=200)] = ""
    after: Annotated[str, Field(max_length=20)] = ""
    per_page: PerPage = 50


class RecoveryReportReply(Reply):
    """What the last run of a job that recovers something at each start returned."""

    job_key: str
    execution_id: str
    status_name: str
    figures: dict[str, Any]


class TimerPage(Reply):
    """Parked calls in the order in which they come due."""

    items: list[Execution]
    next_after: str | None
    recoveries: list[RecoveryReportReply]


class MoveRequest(Why):
    """When it is to be due instead."""

    due_at: Instant


@router.get("/failures", auth=needs(VIEW), response=FailureGroups, operation_id="getFailures")
def failures(request: HttpRequest, query: Query[PeriodQuery]) -> Any:
    """List failures by cause: those of one job by one kind of exception with messages alike."""
    period = _period(query.from_, query.to, database_now())
    found = group_failures(since=period.since, until=period.until)
    with_message = may(request, VIEW_DETAILS)
    return {
        "items": [group_shape(group, with_message=with_message) for group in found.groups],
        "from": iso(period.since),
        "to": iso(period.until),
        "read": found.read,
        "isCut": found.is_cut,
    }


@router.post(
    "/failures/{group_id}/retry",
    auth=needs(OPERATE),
    response=RetriedGroup,
    operation_id="retryFailures",
)
def retry(request: HttpRequest, group_id: GroupId, data: GroupRequest | None = None) -> Any:
    """Run the failures of a group again, up to 1,000, each as a new run for its own time."""
    asked, now, user = data or GroupRequest.model_validate({}), database_now(), caller(request)
    check_triggers(user, now=now)
    done = retry_group(
        group_id,
        period=_period(asked.from_, asked.to, now),
        by=user,
        source="api",
        now=now,
        reason=asked.reason or "",
    )
    return {"retried": done.runs, "refused": done.refused, "left": done.left}


@router.post(
    "/failures/{group_id}/dismiss",
    auth=needs(OPERATE),
    response=DismissedGroup,
    operation_id="dismissFailures",
)
def dismiss_all(request: HttpRequest, group_id: GroupId, data: DismissGroupRequest) -> Any:
    """Note that the failures of a group need nothing more, and why."""
    now = database_now()
    period = _period(data.from_, data.to, now)
    number = dismiss_group(
        group_id, period=period, by=caller(request), source="api", now=now, reason=data.reason
    )
    return {"dismissed": number}


@router.get("/missed", auth=needs(VIEW), response=MissedAndLate, operation_id="getMissed")
def missed(request: HttpRequest, query: Query[MissedQuery]) -> Any:
    """List what is late now, and what was missed and nobody has dealt with."""
    now = database_now()
    wanted = Wanted(
        states=(RunState.MISSED,),
        since=now - LOOKED_BACK,
        is_dismissed=None if query.dismissed else False,
    )
    found = find_runs(wanted, limit=query.per_page, cursor=query.cursor)
    overdue = overdue_runs(now=now)
    late = [each for each in concerns(now=now) if each.condition is Condition.LATE]
    return {
        "late": [concern_shape(each) for each in late],
        "overdue": shapes_of(request, overdue),
        "items": shapes_of(request, found.runs),
        "nextCursor": found.cursor,
    }


@router.post(
    "/runs/{uuid:execution_id}/run-after-all",
    auth=needs(OPERATE),
    response={201: Execution},
    operation_id="runAfterAll",
)
def after_all(request: HttpRequest, execution_id: UUID, data: AfterAllRequest | None = None) -> Any:
    """Run the job once for the nominal time of a run that did not do its work.

    It heeds Idempotency-Key: the same request with the same key gives the same run.
    """
    asked, now, user = data or AfterAllRequest(), database_now(), caller(request)
    check_triggers(user, now=now)
    run = run_or_404(execution_id)
    again = run_after_all(
        run,
        at=asked.at,
        by=user,
        source="api",
        now=now,
        reason=asked.reason or "",
        idempotency_key=idempotency_key(request),
    )
    return Status(201, shape_of(request, again))


@router.post(
    "/runs/{uuid:execution_id}/dismiss",
    auth=needs(OPERATE),
    response=Execution,
    operation_id="dismissExecution",
)
def dismiss(request: HttpRequest, execution_id: UUID, data: DismissRequest) -> Any:
    """Note that a run that was missed, went wrong or is suspect needs nothing more, and why."""
    run = run_or_404(execution_id)
    dismiss_run(run, by=caller(request), source="api", now=database_now(), reason=data.reason)
    return shape_of(request, run_or_404(execution_id))


@router.get("/timers", auth=needs(VIEW), response=TimerPage, operation_id="getTimers")
def timers(request: HttpRequest, query: Query[TimerQuery]) -> Any:
    """List one-off calls that wait for their time, the next one first. `q` is part of a subject or
    task. They are cancelled as runs are.
    """
    found = page_of_parked(text=query.q.strip(), after=query.after, limit=query.per_page)
    reports = recovery_reports() if may(request, VIEW_DETAILS) else []
    return {
        "items": shapes_of(request, found.runs),
        "nextAfter": found.after or None,
        "recoveries": [report_shape(report) for report in reports],
    }


@router.patch(
    "/timers/{uuid:execution_id}",
    auth=needs(OPERATE),
    response=Execution,
    operation_id="moveTimer",
)
def move(request: HttpRequest, execution_id: UUID, data: MoveRequest) -> Any:
    """Let a parked call be due at another instant; one that was taken is refused with 409."""
    run, now = run_or_404(execution_id), database_now()
    reason = data.reason or ""
    move_run(run, at=data.due_at, by=caller(request), source="api", now=now, reason=reason)
    return shape_of(request, run)


def _period(since: datetime | None, until: datetime | None, now: datetime) -> Period:
    end = until or now
    return Period(since=since or end - USUAL_PERIOD, until=end)
