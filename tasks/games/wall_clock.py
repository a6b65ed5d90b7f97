"""From a date and a time on the wall to an instant, also on the days when the clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schedules.public import InvalidInput


def find_zone(name: str) -> ZoneInfo:
    """Return the IANA time zone `name`. Raises InvalidInput for anything else."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        accepted = "an IANA time zone, for example Australia/Sydney"
        raise InvalidInput("timezone", name, accepted) from None


def instant_of(day: date, *, at: time, zone: ZoneInfo) -> datetime:
    """Return when the clocks of `zone` show `at` on `day`, as an aware UTC datetime.

    A time that the clocks pass twice means the first pass. A time that they leap over means the
    first instant after the leap.
    """
    first_pass = datetime.combine(day, at.replace(fold=0), tzinfo=zone)
    instant = first_pass.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == first_pass.replace(tzinfo=None):
        return instant
    return _end_of_leap(first_pass)


def _end_of_leap(missing: datetime) -> datetime:
    """Return the instant at which the clocks leapt over the local time `missing`.

    With the offset from after the leap (fold=1) a missing time lies before it, with the offset from
    before (fold=0) behind it: PEP 495. Between the two there is one change of offset.
    """
    zone = missing.tzinfo
    before = missing.replace(fold=1).astimezone(UTC)
    after = missing.replace(fold=0).astimezone(UTC)
    new_offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        # Whole seconds, because offsets change on them.
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == new_offset:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)
