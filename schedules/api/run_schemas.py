"""Runs, which this interface calls executions, and how the scheduler stands, as JSON."""

from typing import Annotated, Any

from pydantic import Field

from schedules.rest.camel import WHOLE, Asked, Moment, Reply, Text


class Execution(Reply):
    """One run: an occurrence, a range of them with one outcome, a trigger, or a one-off call.

    Of its error, its result and what is suspect about that, those who may not see the details of a
    run get nothing.
    """

    id: int
    job_id: int | None = Field(description="Null where a one-off call belongs to no job.")
    job_key: str
    execution_id: str
    task_key: str
    natural_key: str | None
    scheduled_at: Moment
    until: Moment | None
    count: int
    due_at: Moment
    started_at: Moment | None
    completed_at: Moment | None
    duration_ms: int | None
    status_id: int
    status_name: str
    error_message: str | None
    result_summary: str | None
    executor_id: str
    host_name: str
    attempt: int
    origin: str
    reason: str
    suspect_reason: str = Field(
        description="Of a success whose result did not stand its job's checks: why."
    )
    dismissed_at: Moment | None = Field(
        description="When somebody said that it needs nothing more, or ran it again."
    )
    requested_by: str


class ScheduledJobExecution(Execution):
    """One run of a job."""

    job_id: int


class ExecutionPage(Reply):
    """One page of runs, newest first."""

    items: list[ScheduledJobExecution]
    total: int
    total_is_exact: bool = Field(description="False where a large total is an estimate.")
    page: int
    per_page: int
    total_pages: int
    next_cursor: str | None


class CheckFinding(Reply):
    """What one of the job's checks said about a run's result."""

    check: str
    holds: bool | None = Field(description="Null where there is not enough history to compare.")
    reason: str
    numbers: dict[str, bool | int | float]


class Progress(Reply):
    """How far a run is."""

    done: int
    total: int | None


class ExecutionDetails(Execution):
    """A run with what went into it and came out of it."""

    args: list[Any]
    kwargs: dict[str, Any]
    result_data: Any
    error_traceback: str | None
    log: str | None
    progress: Progress | None
    checks: list[CheckFinding] | None = Field(description="Null until the run was checked.")


class ExecutionLog(Reply):
    """The lines that a run has written so far, and how far it is."""

    execution_id: str
    status_name: str
    is_finished: bool = Field(description="Whether this is all there will be.")
    log: str
    progress: Progress | None


class Why(Asked):
    """Why; kept in the audit record."""

    reason: Text | None = None


class CancelReply(Reply):
    """What became of the run."""

    success: bool
    message: str
    execution: Execution


class SchedulerInstance(Reply):
    """A Beat or a worker."""

    id: str
    kind: str
    name: str
    host_name: str
    pid: int
    mode: str
    status: str
    is_alive: bool
    started_at: Moment
    last_heartbeat: Moment


class SchedulerStatus(Reply):
    """How the scheduler stands. Nothing in it is ever null."""

    is_running: bool
    is_paused: bool
    mode: str
    instance_id: str
    active_instances: int
    total_jobs: int
    enabled_jobs: int
    invalid_jobs: int
    running_executions: int
    parked_executions: int
    last_heartbeat: Moment = Field(description="1970-01-01 where no Beat was ever heard of.")
    instances: list[SchedulerInstance]


class CleanupRequest(Asked):
    """How much history to keep."""

    retention_days: Annotated[int, Field(ge=1, le=36_500), WHOLE] = 30


class CleanupReply(Reply):
    """What was deleted."""

    deleted_count: int
    message: str


class PauseAllRequest(Why):
    """Why, and whether what is queued may still finish."""

    drain: bool = False


class PauseAllReply(Reply):
    """Whether everything is paused now."""

    success: bool
    message: str
    is_paused: bool


class StartReply(Reply):
    """What a start did."""

    success: bool
    message: str
    was_paused: bool
    is_running: bool = Field(description="Whether a Beat lives; without one nothing is planned.")
    triggers: list[str] = Field(description="Triggers of the database that were put back.")
    created: list[str] = Field(description="Declared jobs that were missing.")
    updated: list[str]


class ShutdownReply(Reply):
    """What still works, or is queued and will."""

    success: bool
    message: str
    is_done: bool = Field(description="Whether the processes can be ended without cutting it off.")
    running: int
    queued: int


class TaskFunctionReply(Reply):
    """A declared task."""

    id: int
    key: str
    name: str
    name_en: str
    name_ar: str | None
    name_id: str | None
    description_en: str | None
    description_ar: str | None
    description_id: str | None
    is_active: bool
    arguments: dict[str, Any] = Field(description="JSON schema of the keyword arguments.")


class Word(Reply):
    """One of a fixed list, with its names."""

    id: int
    name: str
    name_en: str
    name_ar: str
    name_id: str
    label: str = Field(description="In the language asked for by Accept-Language (en, ar, id).")
