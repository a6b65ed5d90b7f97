"""Instants as the package takes them (aware) and gives them (UTC), and lengths of time as it stores
them (seconds).
"""

from datetime import UTC, datetime, timedelta

from schedules.errors import InvalidTimetable

FIRST_YEAR, LAST_YEAR = 1900, 2999
"""What a person can mean. Beyond these a time zone can lead out of the calendar."""

ACCEPTED = "write an instant with its UTC offset, such as 2026-03-01T05:00:00Z"


def utc(instant: datetime, *, field: str) -> datetime:
    """Return the aware `instant` in UTC.

    Raises InvalidTimetable about `field` for anything else: a naive datetime would be read
    differently by every machine.
    """
    if not isinstance(instant, datetime):
        raise InvalidTimetable(field, instant, ACCEPTED)
    if instant.tzinfo is UTC:
        return instant
    if instant.utcoffset() is None:
        raise InvalidTimetable(field, instant.isoformat(), ACCEPTED)
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        accepted = "write an instant between the years 1 and 9999 in UTC"
        raise InvalidTimetable(field, instant.isoformat(), accepted) from None


def utc_text(instant: datetime) -> str:
    """Return an aware instant as ISO 8601 in UTC, ending in Z; whole seconds have no fraction."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read_utc(text: object, *, field: str) -> datetime:
    """Return the instant an ISO 8601 text names, in UTC. Raises InvalidTimetable about `field`."""
    try:
        instant = datetime.fromisoformat(text if isinstance(text, str) else "")
    except ValueError:
        raise InvalidTimetable(field, text, ACCEPTED) from None
    return utc(instant, field=field)


def in_seconds(length: timedelta | None) -> float | None:
    """Return a length of time as JSON can hold it; None for none."""
    return None if length is None else length.total_seconds()
