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

API_ACCESS = ("super_admin", "permissions")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSettings:
    """Every key is optional."""

    allowed_tasks: list[str] = field(default_factory=list)
    """Patterns (`fnmatch`) of undeclared Celery tasks that may be scheduled all the same."""

    api_access: str = "super_admin"
    """Who may use the REST API: "super_admin" (all its permissions at once), or "permissions", by
    which each address asks for its own."""

    plan_batch: int = 500
    """Jobs planned per transaction; while a burst lasts, up to four times as many. A larger batch
    holds its row locks longer."""

    most_occurrences: int = 1000
    """Occurrences of one job handled per transaction, so that one job's catch-up delays no other.
    """

    longest_sleep: timedelta = timedelta(milliseconds=500)
    """How long Beat sleeps at most: the time within which it notices an edit or a new one-off call.
    """

    send_again_after: timedelta = timedelta(seconds=5)
    """First pause before a run that nobody claimed is sent again; it doubles with each sending, and
    is longer for a run that Beat sends behind a backlog: a millisecond for each message before it.
    """

    send_again_at_most_after: timedelta = timedelta(minutes=10)
    """Where the doubling ends, so that a healthy backlog is not multiplied."""

    alert_hosts: list[str] = field(default_factory=list)
    """Where webhooks may go: host names or patterns ("hooks.example.com", "*.example.com"), reached
    by https at public addresses only; or a whole origin ("http://10.0.0.5:8080"), which is trusted
    as it stands."""

    metrics_token: str = ""
    """What Prometheus may send as bearer token to read /metrics, besides tokens of users."""

    secrets: list[str] = field(default_factory=list)
    """Names of settings whose values a job may get in a parameter that is declared `Secret`."""

    site_url: str = ""
    """Where people find this site, for the links in alerts."""

    flower_url: str = ""
    """Where people find Flower, for the links to it; empty: there are none."""

    rollout: timedelta = timedelta(minutes=5)
    """How long a run waits for a worker that knows its task, when others do not: workers of two
    versions may be running side by side."""

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
    chosen = ScheduleSettings(**given)
    if chosen.api_access not in API_ACCESS:
        raise ImproperlyConfigured(
            f"SCHEDULES['api_access'] is {chosen.api_access!r}: write one of {API_ACCESS}."
        )
    return chosen
