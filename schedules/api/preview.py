"""`/jobs/preview`: what saving would do, before anything is saved."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from schedules.access import VIEW
from schedules.api.job_schemas import JobUpdate, MarkedOccurrence, as_values
from schedules.api.jobs import job_named
from schedules.operations.ahead_shapes import preview_shape
from schedules.operations.preview import MOST_LISTED, preview_job
from schedules.querysets.clock import database_now
from schedules.rest.camel import WHOLE, Moment, Reply
from schedules.rest.rights import needs

router = Router(tags=["jobs"], by_alias=True)


class JobPreviewRequest(JobUpdate):
    """The fields of a new job, or what would be changed of the job named."""

    job: Annotated[str, Field(max_length=200)] | None = Field(
        None, description="Key or number of the job that would be changed; a new one without."
    )
    count: Annotated[int, Field(ge=1, le=MOST_LISTED), WHOLE] = 10


class ComparedSpan(Reply):
    """A time over which the two timetables are compared: from `begin` up to and without `end`."""

    begin: Moment
    end: Moment


class MovedOccurrence(Reply):
    """An occurrence that is on the same day, at another time."""

    before: Moment
    after: Moment


class JobDifference(Reply):
    """What would be added, removed and moved: in the next 30 days, and a day around each of the
    next two changes of the clock.
    """

    spans: list[ComparedSpan]
    compared_until: Moment | None = Field(description="Where 10,000 occurrences came before.")
    kept: int
    added: list[Moment]
    removed: list[Moment]
    moved: list[MovedOccurrence]


class ForeseenOverlaps(Reply):
    """Occurrences of 30 days that come while as many as may run at once would still run."""

    p95_ms: int = Field(description="What 95 of 100 of its last runs took at most.")
    number: int
    first: Moment | None


class BusyMinute(Reply):
    """The minute of the next 24 hours at which the most is due, of all jobs."""

    at: Moment | None
    number: int
    is_at_least: bool


class BusyMinutes(Reply):
    """As it is, and as it would be."""

    before: BusyMinute
    after: BusyMinute


class JobPreview(Reply):
    """What saving would do."""

    timetable: str
    timezone: str
    is_enabled: bool
    occurrences: list[MarkedOccurrence]
    first_run_at: Moment | None = Field(description="Null where it would not run by itself.")
    clock_changes: list[Moment]
    difference: JobDifference | None = Field(description="Null for a new job.")
    overlaps: ForeseenOverlaps | None = Field(description="Null while the job has not run.")
    busiest_minute: BusyMinutes


@router.post("/jobs/preview", auth=needs(VIEW), response=JobPreview, operation_id="previewJob")
def preview(request: HttpRequest, data: JobPreviewRequest) -> Any:
    """Say when a job would run next, and what an edit would do to its runs. Nothing is saved."""
    job = None if data.job is None else job_named(data.job, field="job")
    changes = as_values(data)
    found = preview_job(job, changes=changes, now=database_now(), count=data.count)
    return preview_shape(found)
