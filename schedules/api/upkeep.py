"""Do the books balance, why did something (not) run, what is wrong; and putting it back."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from schedules.access import MANAGE, VIEW, VIEW_DETAILS
from schedules.api.jobs import job_named
from schedules.api.runs import HIDDEN
from schedules.api.upkeep_schemas import (
    BooksReply,
    ExplanationReply,
    FindingList,
    InstallReply,
    InstallRequest,
    RecoveryReply,
)
from schedules.errors import InvalidInput
from schedules.ledger import explain, verify
from schedules.models import Job
from schedules.operations.doctor import examine, recover
from schedules.operations.install import install_declared
from schedules.operations.upkeep_shapes import (
    books_shape,
    explanation_shape,
    findings_shape,
    install_shape,
    recovery_shape,
)
from schedules.querysets.clock import database_now
from schedules.rest.camel import Instant
from schedules.rest.rights import caller, may, needs

router = Router(tags=["scheduler"], by_alias=True)

DEFAULT_SPAN = timedelta(days=1)
LONGEST_SPAN = timedelta(days=31)
"""So that one request does not compute a year of every second; the command line has no limit."""

Reference = Annotated[str, Field(min_length=1, max_length=200, description="Key or number.")]


class ExplainQuery(Schema):
    """Which job, and which instant."""

    job: Reference
    at: Instant


class VerifyQuery(Schema):
    """Which occurrences: those later than `from`, up to and with `to`."""

    job: Reference | None = None
    after: Annotated[Instant | None, Field(alias="from", description="A day before to.")] = None
    until: Annotated[Instant | None, Field(alias="to", description="Now.")] = None


@router.get("/explain", auth=needs(VIEW), response=ExplanationReply, operation_id="explain")
def explain_instant(request: HttpRequest, query: Query[ExplainQuery]) -> Any:
    """Say what became of a job, also a deleted one, at one instant, and why; answered from rows
    alone.
    """
    job = job_named(query.job, field="job", or_deleted=True)
    with_details = may(request, VIEW_DETAILS)
    answer = explanation_shape(explain(job, at=query.at, with_errors=with_details))
    if answer["run"] is not None and not with_details:
        answer["run"] |= HIDDEN
    return answer


@router.get("/verify", auth=needs(VIEW), response=BooksReply, operation_id="verifyLedger")
def verify_ledger(request: HttpRequest, query: Query[VerifyQuery]) -> Any:
    """Match every occurrence with its row; of all jobs, deleted ones too, or of one."""
    now = database_now()
    until = query.until or now
    after = query.after or until - DEFAULT_SPAN
    if not timedelta(0) < until - after <= LONGEST_SPAN:
        accepted = f"an instant before to, by at most {LONGEST_SPAN.days} days"
        raise InvalidInput("from", after.isoformat(), accepted)
    jobs: Iterable[Job] = Job.objects.order_by("key")
    if query.job:
        jobs = [job_named(query.job, field="job", or_deleted=True)]
    balances = list(verify(jobs, after=after, until=until, now=now))
    return books_shape(balances, after=after, until=until)


@router.get("/doctor", auth=needs(VIEW), response=FindingList, operation_id="doctor")
def doctor(request: HttpRequest) -> Any:
    """List what is wrong with this installation, and what to do about it."""
    return findings_shape(examine(now=database_now()))


@router.post("/recover", auth=needs(MANAGE), response=RecoveryReply, operation_id="recover")
def recover_missing(request: HttpRequest) -> Any:
    """Put back missing triggers and the rows of declared jobs; what a person did stays."""
    return recovery_shape(recover(now=database_now(), by=caller(request), source="api"))


@router.post("/install", auth=needs(MANAGE), response=InstallReply, operation_id="installDeclared")
def install(request: HttpRequest, data: InstallRequest | None = None) -> Any:
    """Install the jobs that code declares; what operators have changed stays, unless
    `replaceExisting` discards it.
    """
    report = install_declared(
        now=database_now(),
        replace_existing=(data or InstallRequest()).replace_existing,
        by=caller(request),
        source="api",
    )
    return install_shape(report)
