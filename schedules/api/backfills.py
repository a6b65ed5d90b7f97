"""`/jobs/{id}/backfills` and `/backfills/{id}`: running what lies in the past, a few at a time."""

from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import Field

from schedules.access import OPERATE, VIEW
from schedules.api.flood import check_triggers
from schedules.api.jobs import job_or_404
from schedules.api.preconditions import idempotency_key
from schedules.api.run_schemas import Why
from schedules.models import Backfill
from schedules.operations.backfill import (
    backfills_of,
    cancel_backfill,
    choose,
    create_backfill,
    find_backfill,
    progress_of,
)
from schedules.operations.shapes import backfill_shape
from schedules.operations.wording import iso
from schedules.querysets.clock import database_now
from schedules.rest.camel import WHOLE, Asked, Instant, Moment, Reply, Text
from schedules.rest.problems import problem
from schedules.rest.rights import caller, needs
from schedules.states import Which

router = Router(tags=["backfills"], by_alias=True)

MOST_SHOWN = 1000
WhichOnes = Annotated[
    Literal["missed", "failed", "all"],
    Field(description="`missed`: what never ran, for whatever reason; `failed` includes lost."),
]
Order = Literal["oldest_first", "newest_first"]


class BackfillRequest(Asked):
    """Which occurrences to run, and how."""

    from_: Instant = Field(alias="from", description="Begin of the range, included.")
    to: Instant = Field(description="End of the range, included; not in the future.")
    which: WhichOnes = "missed"
    order: Order = "oldest_first"
    at_once: Annotated[int, Field(ge=1, le=10), WHOLE] = Field(
        1, description="At most the job's `maxInstances`."
    )
    reason: Text | None = Field(None, description="Kept in the audit record.")


class BackfillQuery(Schema):
    """The same, of a preview."""

    from_: Instant = Field(alias="from")
    to: Instant
    which: WhichOnes = "missed"
    order: Order = "oldest_first"


class BackfillReply(Reply):
    """A backfill, and how far it has come: each of its occurrences is in one of the numbers."""

    id: str
    job_id: int
    job_key: str
    from_: Moment = Field(alias="from")
    to: Moment
    which: str
    order: str
    at_once: int
    state: str = Field(description="open, done or cancelled.")
    total: int
    planned: int = Field(description="How many have their run; Beat plans the others in time.")
    waiting: int
    running: int
    succeeded: int
    failed: int
    never_ran: int
    reason: str
    requested_by: str
    created_at: Moment
    ended_at: Moment | None


class BackfillList(Reply):
    """The latest backfills of a job, the newest first."""

    items: list[BackfillReply]


class ChosenOccurrence(Reply):
    """An occurrence that would run."""

    scheduled_at: Moment
    stood: str = Field(description="Before: never ran, failed, succeeded or unknown.")


class BackfillPreview(Reply):
    """What a backfill would run, in its order. No more than 1,000 are listed."""

    total: int
    items: list[ChosenOccurrence]


class CancelBackfillReply(Reply):
    """What came of it."""

    success: bool
    message: str
    backfill: BackfillReply


@router.get(
    "/jobs/{job_id}/backfills/preview",
    auth=needs(VIEW),
    response=BackfillPreview,
    operation_id="previewBackfill",
)
def preview(request: HttpRequest, job_id: str, query: Query[BackfillQuery]) -> Any:
    """Say what a backfill would run. Nothing is changed."""
    found = choose(
        job_or_404(job_id),
        first=query.from_,
        last=query.to,
        which=Which(query.which),
        now=database_now(),
        newest_first=query.order == "newest_first",
    )
    items = [{"scheduledAt": iso(each.at), "stood": each.stood} for each in found[:MOST_SHOWN]]
    return {"total": len(found), "items": items}


@router.post(
    "/jobs/{job_id}/backfills",
    auth=needs(OPERATE),
    response={201: BackfillReply},
    operation_id="createBackfill",
)
def create(request: HttpRequest, job_id: str, data: BackfillRequest) -> Any:
    """Run the job for past occurrences, each for its own `scheduledAt`, at most `atOnce` at a time.

    The timetable goes on beside it and goes first. What retention has deleted counts as neither
    missed nor failed. It heeds Idempotency-Key: the same request with the same key gives the same
    backfill.
    """
    job, user, now = job_or_404(job_id), caller(request), database_now()
    check_triggers(user, now=now)
    backfill = create_backfill(
        job,
        first=data.from_,
        last=data.to,
        which=Which(data.which),
        newest_first=data.order == "newest_first",
        at_once=data.at_once,
        by=user,
        source="api",
        now=now,
        reason=data.reason or "",
        idempotency_key=idempotency_key(request),
    )
    return Status(201, _shape(backfill))


@router.get(
    "/jobs/{job_id}/backfills",
    auth=needs(VIEW),
    response=BackfillList,
    operation_id="listBackfills",
)
def listed(request: HttpRequest, job_id: str) -> Any:
    """List the job's latest backfills with their progress."""
    backfills = backfills_of(job_or_404(job_id))
    progress = progress_of(backfills)
    return {"items": [backfill_shape(each, progress[each.pk]) for each in backfills]}


@router.get(
    "/backfills/{uuid:backfill_id}",
    auth=needs(VIEW),
    response=BackfillReply,
    operation_id="getBackfill",
)
def get(request: HttpRequest, backfill_id: UUID) -> Any:
    """Show a backfill and how far it has come."""
    return _shape(_backfill_or_404(backfill_id))


@router.post(
    "/backfills/{uuid:backfill_id}/cancel",
    auth=needs(OPERATE),
    response=CancelBackfillReply,
    operation_id="cancelBackfill",
)
def cancel(request: HttpRequest, backfill_id: UUID, data: Why | None = None) -> Any:
    """Plan nothing of it any more and cancel what waits; what runs goes on. 409 once it ended."""
    backfill = _backfill_or_404(backfill_id)
    reason = (data.reason if data else None) or ""
    if not cancel_backfill(
        backfill, by=caller(request), source="api", now=database_now(), reason=reason
    ):
        return problem(409, f"Backfill {backfill_id} has ended already: {backfill.state}.")
    return {
        "success": True,
        "message": "Backfill cancelled successfully",
        "backfill": _shape(backfill),
    }


def _shape(backfill: Backfill) -> dict[str, Any]:
    return backfill_shape(backfill, progress_of([backfill])[backfill.pk])


def _backfill_or_404(backfill_id: UUID) -> Backfill:
    backfill = find_backfill(backfill_id)
    if backfill is None:
        raise Http404(f"There is no backfill {backfill_id}.")
    return backfill
