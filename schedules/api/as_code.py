"""`/export`, `/plan` and `/apply`: all jobs as one text, what a text would change, and that it is
so.
"""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from schedules.access import MANAGE, VIEW
from schedules.api.preview import ComparedSpan, MovedOccurrence
from schedules.operations.as_code.apply import apply_file
from schedules.operations.as_code.export import export_jobs
from schedules.operations.as_code.plan import plan_file
from schedules.operations.as_code.shapes import plan_shape
from schedules.querysets.clock import database_now
from schedules.rest.camel import Asked, Moment, Reply, Text
from schedules.rest.parsing import MOST_BYTES_OF_A_FILE
from schedules.rest.rights import caller, needs

router = Router(tags=["timetables as code"], by_alias=True)

FileText = Annotated[
    str,
    Field(
        max_length=MOST_BYTES_OF_A_FILE,
        description="YAML, as `GET /export` gives it.",
        json_schema_extra={"pattern": "^[^\\u0000]*$"},
    ),
]


class ExportReply(Reply):
    """All jobs as one text."""

    file: str


class PlanRequest(Asked):
    """A file, and who wins where an operator has changed something since it was applied."""

    file: FileText
    replace_overrides: bool = Field(False, description="The file wins; by default it does not.")


class ApplyRequest(PlanRequest):
    """The same, with the reason."""

    reason: Text | None = Field(None, description="Kept in the audit record.")


class DifferenceReply(Reply):
    """A field in which file and database differ; `applied` is what the file said last."""

    field: str
    database: Any
    file: Any
    applied: Any
    is_conflict: bool = Field(description="All three differ.")


class EffectReply(Reply):
    """What a change does to the occurrences of the next 30 days and around the next two changes of
    the clock, or up to `comparedUntil`; the first of each kind.
    """

    added: int
    removed: int
    moved: int
    kept: int
    first_added: list[Moment]
    first_removed: list[Moment]
    first_moved: list[MovedOccurrence]
    spans: list[ComparedSpan]
    compared_until: Moment | None


class ChangeReply(Reply):
    """What becomes of one job."""

    job_key: str
    action: str = Field(description="create, update, disable, or keep: an operator's edits stay.")
    changes: list[DifferenceReply]
    overrides: list[DifferenceReply] = Field(description="What an operator changed, and stays.")
    effect: EffectReply | None


class PlanReply(Reply):
    """What a file changes; jobs that are as it says are only counted."""

    pending: int
    unchanged: int
    items: list[ChangeReply]


@router.get("/export", auth=needs(VIEW), response=ExportReply, operation_id="exportJobs")
def export(request: HttpRequest) -> Any:
    """Write all jobs as YAML. Applied as it is, it changes nothing."""
    return {"file": export_jobs()}


@router.post("/plan", auth=needs(VIEW), response=PlanReply, operation_id="planFile")
def plan(request: HttpRequest, data: PlanRequest) -> Any:
    """Say what applying a file would change. Nothing is changed."""
    found = plan_file(data.file, now=database_now(), replace_overrides=data.replace_overrides)
    return plan_shape(found)


@router.post("/apply", auth=needs(MANAGE), response=PlanReply, operation_id="applyFile")
def apply(request: HttpRequest, data: ApplyRequest) -> Any:
    """Make the jobs as a file says, all of it or nothing; answers what was changed.

    What was in the file and is no more is disabled, never deleted.
    """
    done = apply_file(
        data.file,
        by=caller(request),
        source="api",
        now=database_now(),
        reason=data.reason or "",
        replace_overrides=data.replace_overrides,
    )
    return plan_shape(done)
