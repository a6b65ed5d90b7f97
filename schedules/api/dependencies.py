"""`/jobs/{id}/dependencies`: what a job runs after."""

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from schedules.access import MANAGE, VIEW
from schedules.api.jobs import job_or_404
from schedules.operations.dependencies import (
    add_dependency,
    dependencies_of,
    dependents_of,
    remove_dependency,
)
from schedules.operations.shapes import dependency_shape
from schedules.querysets.clock import database_now
from schedules.rest.camel import Asked, Moment, Reply, Text
from schedules.rest.rights import caller, needs
from schedules.states import After

router = Router(tags=["jobs"], by_alias=True)

When = Literal["succeeded", "failed", "ended"]


class DependencyRequest(Asked):
    """How the other job's run must have ended."""

    when: When = Field(
        "succeeded", description="`failed` includes lost and timed out; `ended` is either way."
    )
    reason: Text | None = Field(None, description="Kept in the audit record.")


class DependencyReply(Reply):
    """One job that runs after another."""

    job_id: int
    job_key: str
    upstream_id: int
    upstream_key: str
    when: str
    since: Moment


class DependencyList(Reply):
    """What a job runs after, and what runs after it."""

    items: list[DependencyReply]
    dependents: list[DependencyReply]


@router.get(
    "/jobs/{job_id}/dependencies",
    auth=needs(VIEW),
    response=DependencyList,
    operation_id="listDependencies",
)
def listed(request: HttpRequest, job_id: str) -> Any:
    """List what a job runs after, and what runs after it."""
    return _reply(job_id)


@router.put(
    "/jobs/{job_id}/dependencies/{upstream_id}",
    auth=needs(MANAGE),
    response=DependencyList,
    operation_id="addDependency",
)
def add(request: HttpRequest, job_id: str, upstream_id: str, data: DependencyRequest) -> Any:
    """Let a job run once after each run of another that ends as `when` says.

    The run stands for the same `scheduledAt`. Jobs that would wait for each other are refused.
    """
    add_dependency(
        job_or_404(job_id),
        job_or_404(upstream_id),
        on=After(data.when),
        by=caller(request),
        source="api",
        now=database_now(),
        reason=data.reason or "",
    )
    return _reply(job_id)


@router.delete(
    "/jobs/{job_id}/dependencies/{upstream_id}",
    auth=needs(MANAGE),
    response=DependencyList,
    operation_id="removeDependency",
)
def remove(request: HttpRequest, job_id: str, upstream_id: str) -> Any:
    """Let a job run after another no more; done already, nothing changes."""
    job, upstream = job_or_404(job_id), job_or_404(upstream_id)
    remove_dependency(job, upstream, by=caller(request), source="api", now=database_now())
    return _reply(job_id)


def _reply(job_id: str) -> dict[str, Any]:
    job = job_or_404(job_id)
    return {
        "items": [dependency_shape(one) for one in dependencies_of(job)],
        "dependents": [dependency_shape(one) for one in dependents_of(job)],
    }
