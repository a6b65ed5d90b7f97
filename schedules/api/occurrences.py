"""`/jobs/{id}/occurrences`: skipping or moving one, giving it other arguments, taking that back."""

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router
from pydantic import Field, model_validator

from schedules.access import OPERATE, VIEW
from schedules.api.job_schemas import OccurrenceChangeReply
from schedules.api.jobs import job_or_404
from schedules.errors import InvalidInput
from schedules.models import OccurrenceChange
from schedules.operations.ahead_shapes import change_shape
from schedules.operations.occurrences import (
    change_occurrence,
    restore_occurrence,
    skip_occurrence,
)
from schedules.operations.wording import iso
from schedules.querysets.clock import database_now
from schedules.rest.camel import Asked, Instant, Moment, Reply, Text
from schedules.rest.rights import caller, needs

router = Router(tags=["jobs"], by_alias=True)

MOST_LISTED = 200
ACCEPTED = "an ISO 8601 instant with Z or its UTC offset, such as 2030-05-02T08:30:00Z"


class OccurrenceRequest(Asked):
    """What is to become of one occurrence: `skip` alone, or `movedTo`, `args` and `kwargs`."""

    skip: bool = False
    moved_to: Instant | None = Field(None, description="When it starts instead, before or after.")
    args: list[Any] | None = Field(None, description="Instead of the job's.")
    kwargs: dict[str, Any] | None = Field(None, description="Put over the job's.")
    reason: Text | None = Field(None, description="Kept with it, and in the audit record.")

    @model_validator(mode="after")
    def says_something(self) -> "OccurrenceRequest":
        """Refuse a body that says nothing."""
        if not self.skip and self.moved_to is None and self.args is None and self.kwargs is None:
            raise ValueError("It says nothing; give skip, another time, or other arguments.")
        return self


class OccurrenceChangeList(Reply):
    """What was said about occurrences of a job, the latest first."""

    items: list[OccurrenceChangeReply]


class RestoredReply(OccurrenceChangeList):
    """When the occurrence starts that is as its timetable has it again, and what is left."""

    starts_at: Moment
    is_at_once: bool = Field(description="Its own time has passed, so it is due now.")


@router.get(
    "/jobs/{job_id}/occurrences",
    auth=needs(VIEW),
    response=OccurrenceChangeList,
    operation_id="listOccurrenceChanges",
)
def listed(request: HttpRequest, job_id: str) -> Any:
    """List the occurrences of a job that were skipped, moved or given other arguments: the last
    200, also past ones. `/jobs/{id}/next` shows them among those to come.
    """
    rows = OccurrenceChange.objects.filter(job=job_or_404(job_id)).order_by("-scheduled_at", "-pk")
    return {"items": [change_shape(row) for row in rows[:MOST_LISTED]]}


@router.put(
    "/jobs/{job_id}/occurrences/{at}",
    auth=needs(OPERATE),
    response=OccurrenceChangeReply,
    operation_id="changeOccurrence",
)
def change(request: HttpRequest, job_id: str, at: str, data: OccurrenceRequest) -> Any:
    """Skip the occurrence at the instant `at`, move it, or give it other arguments.

    It keeps its nominal time, and nothing else of the timetable changes. Refused with 409 once its
    run is planned, except skipping one that was moved to a later time and waits for it.
    """
    job, instant = job_or_404(job_id), _instant(at)
    who: dict[str, Any] = {"by": caller(request), "source": "api", "now": database_now()}
    who["reason"] = data.reason or ""
    if not data.skip:
        more: dict[str, Any] = {"moved_to": data.moved_to, "args": data.args, "kwargs": data.kwargs}
        return change_shape(change_occurrence(job, at=instant, **more, **who))
    for name in ("moved_to", "args", "kwargs"):
        if getattr(data, name) is not None:
            raise InvalidInput(name, str(getattr(data, name)), "left out together with skip")
    return change_shape(skip_occurrence(job, at=instant, **who))


@router.delete(
    "/jobs/{job_id}/occurrences/{at}",
    auth=needs(OPERATE),
    response=RestoredReply,
    operation_id="restoreOccurrence",
)
def restore(request: HttpRequest, job_id: str, at: str) -> Any:
    """Take back what was said about an occurrence; 409 where nothing was, or its time has come.

    One that was moved to a later time and whose own has passed runs at once; its misfire grace
    counts from now.
    """
    job = job_or_404(job_id)
    now = database_now()
    who: dict[str, Any] = {"by": caller(request), "source": "api", "now": now}
    starts_at = restore_occurrence(job, at=_instant(at), **who)
    return {
        **listed(request, job_id),
        "startsAt": iso(starts_at),
        "isAtOnce": starts_at == now,
    }


def _instant(text: str) -> datetime:
    try:
        value = datetime.fromisoformat(text)
        in_utc = value.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput("at", text, ACCEPTED) from None
    if value.tzinfo is None:
        raise InvalidInput("at", text, ACCEPTED)
    return in_utc
