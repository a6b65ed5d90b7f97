"""Who reads a page: when, with which rights, in which language, and in whose time."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.translation import get_language, pgettext

from schedules.access import may_manage, may_operate, may_view_details
from schedules.errors import InvalidTimetable
from schedules.querysets.clock import database_now
from schedules.timing.zones import zone_named

CLOCK_COOKIE = "scheduler_clock"
JOB, UTC_CLOCK, MINE = "job", "utc", "mine"

ARGUMENTS, HIDDEN = ("args", "kwargs"), "•••"
"""Fields that may hold what not everybody may see, and what stands for their value then."""


@dataclass(frozen=True)
class Reader:
    """Passed to every template as `reader`."""

    request: HttpRequest
    now: datetime
    clock: str
    """Whose time is shown: the job's zone, UTC, or the reader's own."""
    own_zone: str
    """The zone of the reader's browser; UTC until it has said so."""

    @cached_property
    def may_view_details(self) -> bool:
        """Whether arguments, results, errors and logs may be shown."""
        return may_view_details(self.request.user)

    def is_hidden(self, field: str) -> bool:
        """Whether the value of a job's field is not for this reader."""
        return field in ARGUMENTS and not self.may_view_details

    @cached_property
    def may_operate(self) -> bool:
        """Whether jobs and runs may be acted upon."""
        return may_operate(self.request.user)

    @cached_property
    def may_manage(self) -> bool:
        """Whether jobs may be made and changed."""
        return may_manage(self.request.user)

    @cached_property
    def language(self) -> str:
        """The two letters of the language in which names are shown."""
        return (get_language() or "en")[:2]

    def zone(self, job_zone: str = "") -> str:
        """Return the name of the zone in which an instant of a job is shown."""
        if self.clock == MINE:
            return self.own_zone
        return (job_zone or "UTC") if self.clock == JOB else "UTC"

    def shown(self, instant: datetime, job_zone: str = "", *, seconds: bool = False) -> str:
        """Return the instant on the wall clock of that zone; the day only where it is not today."""
        zone = ZoneInfo(self.zone(job_zone))
        local, today = instant.astimezone(zone), self.now.astimezone(zone)
        time = "H:i:s" if seconds else "H:i"
        if local.date() == today.date():
            return date_format(local, time)
        day = "j M" if local.year == today.year else "j M Y"
        comma = pgettext("between the parts of a list", ", ")
        return f"{date_format(local, day)}{comma}{date_format(local, time)}"

    def hour(self, instant: datetime) -> str:
        """Return the hour for a chart that has no job's zone."""
        return date_format(instant.astimezone(ZoneInfo(self.zone())), "H:i")


def reader_of(request: HttpRequest) -> Reader:
    """Read the clock once for the whole page, and what the browser remembers about the reader."""
    clock, _, zone = request.COOKIES.get(CLOCK_COOKIE, "").partition(" ")
    return Reader(
        request=request,
        now=database_now().astimezone(UTC),
        clock=clock if clock in (JOB, UTC_CLOCK, MINE) else JOB,
        own_zone=known_zone(zone),
    )


def known_zone(name: str) -> str:
    """Return the name if there is such a zone, otherwise UTC."""
    try:
        return zone_named(name).key
    except (InvalidTimetable, ValueError):
        return "UTC"
