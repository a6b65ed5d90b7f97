"""What a file may say of a job, with the types of its values; and reading a whole file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from schedules.operations.as_code.text import Document, read_text
from schedules.operations.importing.found import is_storable

MOST_SECONDS = 3660 * 86_400
Name = Annotated[str, Field(max_length=255)]
Words = Annotated[str, Field(max_length=10_000)]
Amount = Annotated[int, Field(ge=0, le=MOST_SECONDS)]
Seconds = Annotated[float, Field(ge=0, le=MOST_SECONDS)]


class _Said(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)

    def given(self) -> dict[str, Any]:
        """Return what the file says, by its own names."""
        return {to_camel(name): getattr(self, name) for name in self.model_fields_set}


class AfterEntry(_Said):
    """Another job, and how its run must have ended."""

    job: Annotated[str, Field(max_length=200)]
    when: Literal["succeeded", "failed", "ended"] = "succeeded"


class JobEntry(_Said):
    """A job. What is left out has its default: what its task declares, or a new job has."""

    task: Annotated[str, Field(min_length=1, max_length=200)]
    name_en: Name = ""
    name_ar: Name = ""
    name_id: Name = ""
    description_en: Words = ""
    description_ar: Words = ""
    description_id: Words = ""

    cron_expression: Annotated[str, Field(max_length=255)] | None = None
    timezone: Annotated[str, Field(max_length=64)] | None = None
    day_rule: Literal["any", "all"] | None = None
    interval_weeks: Amount | None = None
    interval_days: Amount | None = None
    interval_hours: Amount | None = None
    interval_minutes: Amount | None = None
    interval_seconds: Amount | None = None
    run_at: str | None = None
    solar_event: str | None = None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    calendar: Annotated[str, Field(max_length=100)] | None = None
    day_off: Literal["skip", "next_day"] = "skip"
    one_off: bool = False
    after: Annotated[list[AfterEntry], Field(max_length=100)] | None = None

    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    queue: Annotated[str, Field(max_length=200)] = ""
    is_enabled: bool = True
    priority: Annotated[int, Field(ge=-32768, le=32767)] = 0
    max_instances: Annotated[int, Field(ge=1, le=10)] = 1
    overlap: Literal["skip", "queue_one", "queue_all", "cancel_running", "allow"] = "skip"
    misfire_grace_time: Annotated[float, Field(ge=-1, le=MOST_SECONDS)] = 60
    coalesce: bool = True
    jitter_seconds: Seconds = 0
    time_limit_seconds: Seconds | None = None
    soft_time_limit_seconds: Seconds | None = None
    max_retries: Annotated[int, Field(ge=0, le=32767)] = 0
    retry_delay_seconds: Seconds = 60
    on_lost: Literal["retry", "fail"] = "fail"
    exclusive: bool = False
    retention_seconds: Seconds | None = None
    is_primary: bool = False
    checks: Annotated[list[str], Field(max_length=100)] = []


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    version: Literal[1]
    unlisted: Literal["disable", "keep"] = "keep"
    leave: list[str] = []
    jobs: dict[Annotated[str, Field(min_length=1, max_length=200)], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that was read, and where in its text each thing stands."""

    document: Document
    jobs: Mapping[str, JobEntry]
    disables_unlisted: bool
    """Whether jobs that it does not name are to be disabled, also if it never named them."""
    leave: frozenset[str] = field(default_factory=frozenset)
    """Keys of jobs that it says nothing about."""


def read_file(text: str) -> File:
    """Read a file. Raises InvalidFile, with the line, for anything that no file may say."""
    document = read_text(text)
    whole = _checked(_File, document.value, document, ())
    jobs = {
        key: _checked(JobEntry, value, document, ("jobs", key)) for key, value in whole.jobs.items()
    }
    for key in jobs:
        if not is_storable([key, document.value["jobs"][key]]):
            accepted = "text without U+0000 and without half a character"
            raise document.refuse(("jobs", key), "such text", accepted)
    return File(
        document=document,
        jobs=jobs,
        disables_unlisted=whole.unlisted == "disable",
        leave=frozenset(whole.leave),
    )


def _checked(model: type[Any], value: Any, document: Document, path: tuple[str | int, ...]) -> Any:
    try:
        return model.model_validate(value, by_alias=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = (*path, *first["loc"])
        message = first["msg"]
        kind = first["type"]
        if kind == "missing":
            raise document.refuse(where, None, "needed; it is missing") from None
        if kind == "model_type":
            accepted = "a mapping of words and values"
            raise document.refuse(where, _kind(first["input"]), accepted) from None
        if kind == "extra_forbidden":
            accepted = "not one of the words of this file"
            raise document.refuse(where[:-1], where[-1], accepted) from None
        raise document.refuse(
            where, first["input"], f"{message[:1].lower()}{message[1:]}"
        ) from None


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a text", type(None): "nothing"}
    return names.get(type(value), f"a {type(value).__name__}")
