"""Lengths of time, distances from now and counts, in words of the reader's language."""

from datetime import datetime, timedelta

from django.template.defaultfilters import floatformat
from django.utils.formats import get_format
from django.utils.translation import gettext as _

_SECOND = timedelta(seconds=1)
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def length(value: timedelta | None) -> str:
    """Return a length of time by its two largest units, for example `2 h 5 min`; "" for None."""
    if value is None:
        return ""
    if value < timedelta(0):
        return f"-{length(-value)}"
    if value < _SECOND:
        return _("%(number)s ms") % {"number": value // timedelta(milliseconds=1)}
    if value < 10 * _SECOND and value.microseconds >= 50_000:
        return _("%(number)s s") % {"number": floatformat(value.total_seconds(), 1)}
    left, parts = int(value.total_seconds()), []
    words = {
        "d": _("%(number)s d"),
        "h": _("%(number)s h"),
        "min": _("%(number)s min"),
        "s": _("%(number)s s"),
    }
    for unit, size in _UNITS:
        amount, left = divmod(left, size)
        if amount:
            parts.append(words[unit] % {"number": amount})
    return " ".join(parts[:2])


def grouped_number(number: int) -> str:
    """Return the number with its thousands apart; years and identifiers are none of it."""
    return f"{number:,}".replace(",", get_format("THOUSAND_SEPARATOR"))


def distance(instant: datetime, *, now: datetime) -> str:
    """Return how far the instant is from now, in the largest unit that says enough."""
    ahead = instant - now
    if abs(ahead) < _SECOND:
        return _("now")
    rough = _rough(abs(ahead))
    if ahead > timedelta(0):
        return _("in %(length)s") % {"length": rough}
    return _("%(length)s ago") % {"length": rough}


def _rough(value: timedelta) -> str:
    """Seconds matter within a few minutes, minutes within a day, hours within a week."""
    for limit, unit in (
        (timedelta(minutes=2), timedelta(seconds=1)),
        (timedelta(days=1), timedelta(minutes=1)),
        (timedelta(days=7), timedelta(hours=1)),
    ):
        if value < limit:
            return length(value // unit * unit) or length(unit)
    return length(value // timedelta(days=1) * timedelta(days=1))
