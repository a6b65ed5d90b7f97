"""Framework options, read from `settings.SCHEDULES`: each typed, with its default and what it
costs.
"""

import difflib
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSettings:
    """Every key is optional."""

    allowed_tasks: list[str] = field(default_factory=list)
    """Patterns (`fnmatch`) of undeclared Celery tasks that may be scheduled all the same."""

    plan_batch: int = 500
    """Jobs planned per transaction. A larger batch holds its row locks longer."""

    most_occurrences: int = 1000
    """Occurrences of one job handled per transaction, so that one job's catch-up delays no other.
    """

    longest_sleep: timedelta = timedelta(milliseconds=500)
    """How long Beat sleeps at most: the time within which it notices an edit or a new one-off call.
    """

    send_again_after: timedelta = timedelta(seconds=5)
    """First pause before a run that nobody claimed is sent again; it doubles with each sending."""

    send_again_at_most_after: timedelta = timedelta(minutes=10)
    """Where the doubling ends, so that a healthy backlog is not multiplied."""

    most_attempts: int = 3
    """Tries of a run whose worker vanished each time; then it is `lost` and its job is flagged."""


@lru_cache(maxsize=1)
def options() -> ScheduleSettings:
    """Return the options in force. Raises ImproperlyConfigured for wrong ones."""
    given: dict[str, Any] = getattr(settings, "SCHEDULES", {})
    known = {option.name: option for option in fields(ScheduleSettings)}
    defaults = ScheduleSettings()
    for name, value in given.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else f" Known: {', '.join(known)}."
            raise ImproperlyConfigured(f"SCHEDULES[{name!r}] is not a setting.{hint}")
        expected = type(getattr(defaults, name))
        if not isinstance(value, expected) or isinstance(value, bool):
            raise ImproperlyConfigured(
                f"SCHEDULES[{name!r}] is {value!r}: write a {expected.__name__},"
                f" for example {getattr(defaults, name)!r}."
            )
    return ScheduleSettings(**given)
