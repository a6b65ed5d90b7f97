"""Making, changing and deleting calendars. A change reaches the jobs that go by one at once."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from schedules.access import Source, actor_name, record
from schedules.adapters.periodic import days_of, read
from schedules.dispatch import bring_into_force
from schedules.dispatch.plan import settle
from schedules.errors import InvalidInput, Refused
from schedules.models import Calendar, Job
from schedules.operations.calendar_files import dates_in
from schedules.operations.locks import CALENDARS, hold
from schedules.timing.zones import zone_named

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    Actor = AbstractBaseUser | AnonymousUser | str

FIELDS = ("dates", "weekdays", "is_allow_list", "timezone")

MOST_NAMED = 5
_NAME = re.compile(r"[^\W_][\w .-]{0,99}")


class CalendarInUse(Refused):
    """Jobs go by the calendar."""

    def __init__(self, name: str, keys: list[str], number: int) -> None:
        more = f" and {number - len(keys)} more" if number > len(keys) else ""
        super().__init__(
            f"Calendar {name!r} is used by {', '.join(keys)}{more}, so it cannot be deleted."
            " Let them go by no calendar or another one first."
        )


@transaction.atomic
def create_calendar(
    name: str,
    *,
    values: Mapping[str, Any],
    by: "Actor",
    source: Source,
    now: datetime,
    reason: str = "",
) -> Calendar:
    """Make a calendar and return it. `values` may hold FIELDS: dates, weekdays ("mon" to "sun"),
    whether the listed days are the only ones allowed, and whose days they are for a timetable
    without a zone of its own. Raises InvalidInput, also for a name that is taken.
    """
    if not _NAME.fullmatch(name):
        accepted = "1 to 100 letters, digits, spaces, dots and dashes, a letter or digit first"
        raise InvalidInput("name", name, accepted)
    hold(CALENDARS, now=now)
    if Calendar.objects.filter(name=name).exists():
        raise InvalidInput("name", name, "a name that no calendar has yet")
    calendar = Calendar(name=name)
    _take(calendar, values)
    calendar.save()
    _record("create_calendar", calendar, by, source, now, after=_state(calendar), reason=reason)
    return calendar


@transaction.atomic
def edit_calendar(
    calendar: Calendar,
    *,
    changes: Mapping[str, Any],
    by: "Actor",
    source: Source,
    now: datetime,
    reason: str = "",
) -> Calendar:
    """Change FIELDS of the calendar, and with it the timetable of every job that goes by it.

    Each of them gets a new version that begins after `now`: what was due before is planned by the
    old days first, and nothing of the past is fired. Nothing changed, nothing is written. Raises
    InvalidInput, also for days that leave an enabled job without any occurrence to come.
    """
    hold(CALENDARS, now=now)
    stored = Calendar.objects.select_for_update().get(pk=calendar.pk)
    before = _state(stored)
    _take(stored, changes)
    after = _state(stored)
    changed = [name for name in FIELDS if before[name] != after[name]]
    if not changed:
        return stored
    stored.save()
    jobs = _recompute(stored, by=actor_name(by), now=now)
    _record(
        "edit_calendar",
        stored,
        by,
        source,
        now,
        before={name: before[name] for name in changed},
        after={**{name: after[name] for name in changed}, "jobs": jobs},
        reason=reason,
    )
    return stored


def import_dates(
    calendar: Calendar,
    text: str,
    *,
    by: "Actor",
    source: Source,
    now: datetime,
    reason: str = "",
    replace: bool = False,
) -> Calendar:
    """Add the dates of an .ics file's events to the calendar, or put them in the place of its own.

    As `edit_calendar`. Raises InvalidInput for a file that cannot be read or is too much.
    """
    found = dates_in(text, today=now.date())
    kept = [] if replace else calendar.dates
    changes = {"dates": [*kept, *(day.isoformat() for day in found)]}
    return edit_calendar(calendar, changes=changes, by=by, source=source, now=now, reason=reason)


@transaction.atomic
def delete_calendar(
    calendar: Calendar, *, by: "Actor", source: Source, now: datetime, reason: str = ""
) -> None:
    """Delete a calendar. History keeps its days. Raises CalendarInUse while jobs go by it."""
    hold(CALENDARS, now=now)
    using = Job.objects.filter(calendar=calendar)
    if number := using.filter(is_active=True).count():
        keys = list(using.filter(is_active=True).order_by("key").values_list("key", flat=True)[:5])
        raise CalendarInUse(calendar.name, keys, number)
    using.update(calendar=None)  # deleted jobs
    _record("delete_calendar", calendar, by, source, now, before=_state(calendar), reason=reason)
    calendar.delete()


def find_calendar(name: str) -> Calendar | None:
    """Return the calendar of this name, or None."""
    return None if "\x00" in name else Calendar.objects.filter(name=name).first()


def calendar_named(name: str | None) -> Calendar | None:
    """Return the calendar that a job is to go by; None for none. Raises InvalidInput."""
    if name is None:
        return None
    calendar = find_calendar(name)
    if calendar is None:
        raise InvalidInput("calendar", name, "the name of a calendar that exists")
    return calendar


def jobs_by_calendar() -> dict[int, list[str]]:
    """Return the keys of the jobs that go by each calendar."""
    keys: dict[int, list[str]] = {}
    using = Job.objects.existing().filter(calendar__isnull=False).order_by("key")
    for number, key in using.values_list("calendar_id", "key"):
        keys.setdefault(number, []).append(key)
    return keys


def _take(calendar: Calendar, values: Mapping[str, Any]) -> None:
    """Put the values on the calendar, in the one form in which equal days are equal."""
    for name in FIELDS:
        if name in values:
            setattr(calendar, name, values[name])
    calendar.timezone = zone_named(calendar.timezone).key
    calendar.dates = [_text(day) for day in calendar.dates]
    days = days_of(calendar)
    calendar.dates = [day.isoformat() for day in days.dates]
    calendar.weekdays = list(days.weekdays)


def _text(day: date | str) -> str:
    return day.isoformat() if isinstance(day, date) else day


def _state(calendar: Calendar) -> dict[str, Any]:
    return {name: getattr(calendar, name) for name in FIELDS}


def _recompute(calendar: Calendar, *, by: str, now: datetime) -> list[str]:
    """Bring the calendar's days into force for the jobs that go by it; return their keys."""
    locked = Job.objects.select_for_update(no_key=True, of=("self",))
    jobs: Iterable[Job] = locked.filter(calendar=calendar, is_active=True).order_by("pk")
    keys, ended = [], []
    for job in jobs:
        if job.periodic_task_id is None:
            continue
        settle(job, until=now)
        had_next = job.next_run_at is not None
        reading = read(job.periodic_task_id, job=job, since=now)
        if reading is not None and bring_into_force(job, reading, since=now, by=by):
            keys.append(job.key)
            if had_next and job.is_enabled and job.next_run_at is None:
                ended.append(job.key)
    if ended:
        more = f" and {len(ended) - MOST_NAMED} more" if len(ended) > MOST_NAMED else ""
        found = f"days on which {', '.join(ended[:MOST_NAMED])}{more} would never run again"
        raise InvalidInput("dates", found, "days that leave each enabled job something to run")
    return keys


def _record(
    action: str,
    calendar: Calendar,
    by: "Actor",
    source: Source,
    now: datetime,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
) -> None:
    record(
        action,
        subject=f"calendar:{calendar.name}",
        actor=by,
        source=source,
        now=now,
        before=before,
        after=after,
        reason=reason,
    )
