"""Jobs as JSON: what is asked for and what is answered."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from schedules.operations.calendars import calendar_named
from schedules.rest.camel import WHOLE, Asked, Instant, Moment, Name, Reply, Text
from schedules.states import OnLost, Overlap

MOST_SECONDS = 3660 * 86_400
JobAction = Literal["enable", "disable", "trigger", "pause", "resume"]
Amount = Annotated[int, Field(ge=0, le=MOST_SECONDS), WHOLE]
Length = Annotated[int, Field(ge=1, le=MOST_SECONDS), WHOLE]
Grace = Annotated[
    int,
    Field(ge=-1, le=MOST_SECONDS, description="Seconds; 0 none, -1 however late."),
    WHOLE,
]
SolarEvents = Literal[
    "dawn_astronomical",
    "dawn_nautical",
    "dawn_civil",
    "sunrise",
    "solar_noon",
    "sunset",
    "dusk_civil",
    "dusk_nautical",
    "dusk_astronomical",
]
DaysOff = Literal["skip", "next_day"]
Overlaps = Literal["skip", "queue_one", "queue_all", "cancel_running", "allow"]


class AfterRequest(Asked):
    """Another job, and how its run must have ended."""

    job: Annotated[str, Field(max_length=200)] = Field(description="Key or number.")
    when: Literal["succeeded", "failed", "ended"] = "succeeded"


class _Entry(Asked):
    """The timetable and the names, which creating and changing have in common."""

    name_en: Name | None = None
    name_ar: Name | None = None
    name_id: Name | None = None
    description_en: Text | None = None
    description_ar: Text | None = None
    description_id: Text | None = None
    interval_seconds: Amount | None = None
    interval_minutes: Amount | None = None
    interval_hours: Amount | None = None
    interval_days: Amount | None = None
    interval_weeks: Amount | None = None
    cron_expression: Annotated[str, Field(max_length=255)] | None = None
    timezone: Annotated[str, Field(max_length=64)] | None = Field(
        None, description="IANA name; of cronExpression; UTC by default."
    )
    day_rule: Literal["any", "all"] | None = Field(
        None, description="Whether one of two day fields is enough; any by default."
    )
    run_at: Instant | None = Field(None, description="One date instead of a timetable.")
    solar_event: SolarEvents | None = Field(
        None, description="Of the sun, at latitude and longitude, instead of a timetable."
    )
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    starts_at: Instant | None = Field(None, description="Nothing runs before; of any timetable.")
    ends_at: Instant | None = Field(None, description="Nothing runs after; of any timetable.")
    calendar: Annotated[str, Field(max_length=100)] | None = Field(
        None, description="Name of the calendar whose days it goes by; null for none."
    )
    day_off: DaysOff | None = Field(
        None,
        description="On a day that the calendar does not allow: skip (the default), or next_day.",
    )
    args: list[Any] | None = None
    kwargs: dict[str, Any] | None = None
    after: Annotated[list[AfterRequest], Field(max_length=100)] | None = Field(
        None, description="All the jobs that it is to run after."
    )
    jitter_seconds: Amount | None = Field(
        None, description="How much later than its time a run may start; the same each time."
    )
    time_limit_seconds: Length | None = Field(None, description="After it the body is ended.")
    soft_time_limit_seconds: Length | None = Field(
        None, description="After it SoftTimeLimitExceeded is raised in the body."
    )
    max_retries: Annotated[int, Field(ge=0, le=100), WHOLE] | None = Field(
        None, description="Tries after the first, each twice as long after the one before."
    )
    retry_delay_seconds: Amount | None = Field(None, description="Before the first of them.")
    on_lost: Literal["retry", "fail"] | None = Field(
        None, description="What becomes of a run whose worker vanished."
    )
    exclusive: bool | None = Field(
        None, description="Its body is ended before another one may begin."
    )
    retention_seconds: Length | None = Field(
        None, description="How long its history is kept; null as long as everybody's."
    )
    reason: Text | None = Field(None, description="Kept in the audit record.")
    checks: Annotated[list[Annotated[str, Field(max_length=500)]], Field(max_length=20)] | None = (
        Field(
            None,
            description=(
                "What a good result looks like, such as `errors == 0` or"
                " `total >= 0.8 * median(total, last=10, same_weekday=True)`."
            ),
        )
    )


class JobCreate(_Entry):
    """A new job: a declared task with an interval, a cron expression or one date, or only `after`
    other jobs.
    """

    key: Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z][A-Za-z0-9_.:-]*$")] | None = None
    task_function_id: Annotated[int, Field(ge=1, le=2**63 - 1), WHOLE] | None = None
    task_function_key: Name | None = None
    priority: Annotated[int, Field(ge=-32768, le=32767), WHOLE] = 0
    max_instances: Annotated[int, Field(ge=1, le=10), WHOLE] = 1
    misfire_grace_time: Grace = 60
    coalesce: bool = True
    is_enabled: bool = True
    is_primary: bool = False
    overlap: Overlaps = "skip"


class JobUpdate(_Entry):
    """Changes to a job: what is left out stays, null clears."""

    task_function_id: Annotated[int, Field(ge=1, le=2**63 - 1), WHOLE] | None = None
    task_function_key: Name | None = None
    priority: Annotated[int, Field(ge=-32768, le=32767), WHOLE] | None = None
    max_instances: Annotated[int, Field(ge=1, le=10), WHOLE] | None = None
    misfire_grace_time: Grace | None = None
    coalesce: bool | None = None
    is_enabled: bool | None = None
    is_primary: bool | None = None
    overlap: Overlaps | None = None


CLEARED: dict[str, Any] = {
    "priority": 0,
    "max_instances": 1,
    "misfire_grace_time": 60,
    "coalesce": True,
    "is_enabled": True,
    "is_primary": False,
    "overlap": Overlap.SKIP.value,
    "jitter_seconds": 0,
    "max_retries": 0,
    "retry_delay_seconds": 60,
    "on_lost": OnLost.FAIL.value,
    "exclusive": False,
    **{f"{field}_{code}": "" for field in ("name", "description") for code in ("en", "ar", "id")},
    "args": [],
    "kwargs": {},
    "day_off": "skip",
    "checks": None,
}
"""What null stands for: the default of a new job."""

LENGTHS = {
    f"{column}_seconds"
    for column in ("jitter", "time_limit", "soft_time_limit", "retry_delay", "retention")
}
"""Fields in seconds, named as the columns."""

INSIDE = {"misfire_grace_time": "misfire_grace", "is_enabled": "enabled"}
"""Fields of the operations, where they are named differently here."""


def as_values(asked: _Entry) -> dict[str, Any]:
    """Return what was sent as the operations take it: null as its default, seconds as durations, a
    calendar's name as its row. Raises InvalidInput for one that does not exist.
    """
    given = asked.given()
    values: dict[str, Any] = {
        name: CLEARED.get(name) if value is None else value for name, value in given.items()
    }
    for name in ("task_function_id", "task_function_key", "after", "job", "count", "reason"):
        values.pop(name, None)
    if "calendar" in values:
        values["calendar"] = calendar_named(values["calendar"])
    if "misfire_grace_time" in values:
        seconds: int = values["misfire_grace_time"]
        values["misfire_grace_time"] = None if seconds < 0 else timedelta(seconds=seconds)
    for name in LENGTHS & values.keys():
        length: int | None = values.pop(name)
        column = name.removesuffix("_seconds")
        values[column] = None if length is None else timedelta(seconds=length)
    return {INSIDE.get(name, name): value for name, value in values.items()}


class ScheduledJob(Reply):
    """A job."""

    id: int
    key: str
    name: str = Field(description="In the language asked for by Accept-Language (en, ar, id).")
    description: str | None
    task_function_id: int = Field(description="0 where the task is allowed and not declared.")
    task_function_key: str
    job_type_id: int = Field(description="0 where an invalid job has no timetable.")
    job_type_name: str
    name_en: str | None
    name_ar: str | None
    name_id: str | None
    description_en: str | None
    description_ar: str | None
    description_id: str | None
    cron_expression: str | None
    timezone: str | None
    day_rule: str | None
    interval_seconds: int | None
    interval_minutes: int | None
    interval_hours: int | None
    interval_days: int | None
    interval_weeks: int | None
    run_at: Moment | None
    solar_event: str | None
    latitude: float | None
    longitude: float | None
    starts_at: Moment | None
    ends_at: Moment | None
    calendar: str | None
    day_off: str
    args: list[Any]
    kwargs: dict[str, Any]
    priority: int
    max_instances: int
    misfire_grace_time: int
    coalesce: bool
    overlap: str
    jitter_seconds: float
    time_limit_seconds: float | None
    soft_time_limit_seconds: float | None
    max_retries: int
    retry_delay_seconds: float
    on_lost: str
    exclusive: bool
    retention_seconds: float | None
    is_enabled: bool
    is_active: bool
    is_primary: bool
    is_paused: bool
    paused_at: Moment | None
    paused_until: Moment | None
    paused_by: str | None
    pause_reason: str | None
    version: int
    owner: str
    overridden: list[str]
    invalid_reason: str
    checks: list[str]
    last_run_at: Moment | None
    next_run_at: Moment | None
    created_at: Moment
    updated_at: Moment | None


class JobPage(Reply):
    """One page of jobs."""

    items: list[ScheduledJob]
    total: int
    page: int
    per_page: int
    total_pages: int


class JobActionRequest(Asked):
    """What to do with a job."""

    action: JobAction
    reason: Text | None = Field(None, description="Kept in the audit record.")
    until: Instant | None = Field(None, description="Of pause: when it ends by itself.")
    kwargs: dict[str, Any] | None = Field(None, description="Of trigger: for this run only.")


class JobActionResponse(Reply):
    """What came of it."""

    success: bool
    message: str
    execution_id: str | None = Field(None, description="Of trigger: the run.")
    skipped_runs: int | None = Field(None, description="Of resume: what the pause has skipped.")
    job: ScheduledJob


class OccurrenceChangeReply(Reply):
    """What was said about one occurrence. `scheduledAt` is its nominal time, which it keeps."""

    scheduled_at: Moment
    is_skipped: bool
    moved_to: Moment | None
    has_other_arguments: bool
    by: str
    reason: str
    made_at: Moment
    state: str = Field(description="open, used, undone, or void: no occurrence any more.")


class MarkedOccurrence(Reply):
    """An occurrence that is to come."""

    at: Moment
    local: str = Field(description="On the clock of the job's zone, with its offset.")
    mark: str | None = Field(description="What a change of the clock does to it, in words.")


class NextOccurrence(MarkedOccurrence):
    """An occurrence of a job, with what a person has said about it."""

    is_paused: bool = Field(description="A pause, its own or that of everything, lasts until then.")
    change: OccurrenceChangeReply | None


class NextRuns(Reply):
    """When a job runs next, in UTC."""

    occurrences: list[Moment]
    items: list[NextOccurrence]
