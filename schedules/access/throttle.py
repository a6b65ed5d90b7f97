"""Counting tries in rows, so that a limit holds for all processes and outlives a restart."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from schedules.models import Knock


class Limit(NamedTuple):
    """So many tries within so long a time."""

    tries: int
    within: timedelta


def knock(limit: Limit, *door: str, now: datetime) -> Knock | None:
    """Count one try at the door that the texts name together; None if it is one too many.

    The try is written before it is judged, so of any number at once no more than the limit pass. A
    refused one is not counted: whoever goes on trying is let in again as soon as anybody else.
    """
    digest = _digest(door)
    tried = Knock.objects.create(door=digest, at=now)
    recent = Knock.objects.filter(door=digest, at__gt=now - limit.within)
    if recent[: limit.tries + 1].count() <= limit.tries:
        Knock.objects.filter(at__lte=now - LONGEST_WINDOW).delete()
        return tried
    tried.delete()
    return None


def forget_knocks(*door: str) -> None:
    """Forget the tries at a door: somebody was let in."""
    Knock.objects.filter(door=_digest(door)).delete()


LONGEST_WINDOW = timedelta(hours=1)
"""Tries older than this count nowhere."""


def _digest(door: tuple[str, ...]) -> str:
    # Hashed, because a name that was mistyped into the wrong field may be a password.
    return sha256("\0".join(door).encode("utf-8", "surrogatepass")).hexdigest()
