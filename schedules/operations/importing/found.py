"""What a source holds: jobs that can be wanted here, and those that cannot, with the reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schedules.timing import Timetable


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


class NotCarried(Exception):
    """A part of a job that has no equal here. `str()` is the reason."""
