"""What a source holds: jobs that can be wanted here, and those that cannot, with the reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schedules.timing import Timetable

HALVES = ("\ud800", "\udfff")
"""Characters between these are halves, which no database stores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A job as its source has it, in our words."""

    name: str
    task: str
    """What it runs, as the source names it: a Celery name, or `module:function`."""
    timetable: Timetable
    values: Mapping[str, Any] = field(default_factory=dict)
    """What else `create_job` takes."""
    remarks: tuple[str, ...] = ()
    """What changes its meaning a little, or could not come along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A job of the source that cannot be carried over."""

    name: str
    reason: str
    task: str = ""


Found = Wanted | Unreadable


def is_storable(value: Any) -> bool:
    """Whether every text in the value, at any depth, is one that a database takes."""
    if isinstance(value, str):
        return "\x00" not in value and not any(HALVES[0] <= each <= HALVES[1] for each in value)
    if isinstance(value, Mapping):
        return all(is_storable(pair) for pair in value.items())
    return not isinstance(value, list | tuple) or all(is_storable(inner) for inner in value)


def shown(text: str) -> str:
    """Return the text for people and JSON, with escapes for what is no character."""
    return text.encode(errors="backslashreplace").decode().replace("\x00", "\\x00")


class NotCarried(Exception):
    """A part of a job that has no equal here. `str()` is the reason."""
