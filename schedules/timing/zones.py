"""Time zones: a zone by its name, and what its clock does where it is put forward or back."""

from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from schedules.errors import InvalidTimetable

LONGEST_NAME = 64
"""Characters. The longest IANA name has 32; what follows is not searched for similar names."""

NOT_OF_IANA = ("localtime", "posix/", "posixrules", "right/")
"""What an operating system keeps beside the zones; it differs from machine to machine."""


def zone_named(tz: str | ZoneInfo) -> ZoneInfo:
    """Return the zone of an IANA name, or of a ZoneInfo that has one. Raises InvalidTimetable."""
    name = tz.key if isinstance(tz, ZoneInfo) else tz
    if not isinstance(name, str) or name.startswith(NOT_OF_IANA):
        raise InvalidTimetable("timezone", tz, _accepted(""))
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; climbs out of the directory; is a directory
        raise InvalidTimetable("timezone", name, _accepted(name)) from None


def _accepted(name: str) -> str:
    known = {zone.lower(): zone for zone in available_timezones()} if name else {}
    close = get_close_matches(name[:LONGEST_NAME].lower(), known, n=1)
    hint = known[close[0]] if close else "Asia/Jakarta or UTC"
    return f"write the IANA name of a time zone, such as {hint}"


@lru_cache(maxsize=16_384)  # a preview asks of each of its ten thousand days twice
def steady_offset(zone: ZoneInfo, *, day: int) -> timedelta | None:
    """Return the UTC offset that holds from the day before `day` to the end of the day after it.

    `day` is the ordinal of a date in UTC. None when the clock changes in that time, and at the ends
    of the calendar. Nothing in these three days is then skipped or shown twice.
    """
    if not 2 < day < date.max.toordinal() - 2:
        return None
    offset = _offset_at(zone, day=day - 1)
    if all(_offset_at(zone, day=each) == offset for each in (day, day + 1, day + 2)):
        return offset
    return None


@lru_cache(maxsize=4096)  # the neighbours of a day ask the same
def _offset_at(zone: ZoneInfo, *, day: int) -> timedelta | None:
    """Return the UTC offset at the beginning of the day, in UTC, with this ordinal."""
    return datetime.fromordinal(day).replace(tzinfo=UTC).astimezone(zone).utcoffset()


def clock_change(zone: ZoneInfo, *, wall: datetime) -> datetime:
    """Return the instant, in UTC, of the clock change whose gap or overlap holds `wall`.

    `wall` is naive, whole seconds. Only its offsets before and after the change differ (PEP 495);
    the instant itself lies between the two readings, and is found there by halving.
    """
    local = wall.replace(tzinfo=zone)
    before, after = offsets(local)
    early = wall.replace(tzinfo=UTC) - max(before, after)
    too_soon, late_enough = 0, int(abs(after - before).total_seconds())
    while late_enough - too_soon > 1:
        middle = (too_soon + late_enough) // 2
        if (early + timedelta(seconds=middle)).astimezone(zone).utcoffset() == before:
            too_soon = middle
        else:
            late_enough = middle
    return early + timedelta(seconds=late_enough)


def shown_at(zone: ZoneInfo, *, wall: datetime) -> datetime:
    """Return the instant, in UTC, at which the clock first shows the naive `wall` or jumps over."""
    local = wall.replace(tzinfo=zone)
    before, after = offsets(local)
    if before < after:
        return clock_change(zone, wall=wall.replace(microsecond=0))
    return local.astimezone(UTC)


def next_changes(
    tz: str, *, after: datetime, count: int = 2, within: timedelta = timedelta(days=800)
) -> list[datetime]:
    """Return the next instants, in UTC, at which the clock of the zone is put forward or back.

    Later than `after` (aware); fewer where there are fewer within that time. What is put forward
    and back again on one day is not noticed.
    """
    zone, found = zone_named(tz), list[datetime]()
    day, end = after.astimezone(UTC), after + within
    while day < end and len(found) < count:
        following = day + timedelta(days=1)
        before, later = day.astimezone(zone).utcoffset(), following.astimezone(zone).utcoffset()
        if before != later:
            found.append(_first_with(zone, later, after=day, until=following))
        day = following
    return found


def _first_with(
    zone: ZoneInfo, offset: timedelta | None, *, after: datetime, until: datetime
) -> datetime:
    """Return the first whole second of (`after`, `until`] from which on `offset` holds."""
    first, last = int(after.timestamp()), int(until.timestamp())
    while last - first > 1:
        middle = (first + last) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            last = middle
        else:
            first = middle
    return datetime.fromtimestamp(last, UTC)


def offsets(local: datetime) -> tuple[timedelta, timedelta]:
    """Return the UTC offsets of a local time before and after a clock change that touches it.

    Equal: an ordinary time. The second larger: skipped by the clock. The first larger: shown twice.
    """
    before = local.replace(fold=0).utcoffset()
    after = local.replace(fold=1).utcoffset()
    assert before is not None
    assert after is not None
    return before, after
