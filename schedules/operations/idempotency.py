"""The same request sent twice is one run, or one backfill: what a key was used for."""

import json
from hashlib import sha256
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from schedules.errors import InvalidInput
from schedules.models import Backfill, Run

MOST_CHARACTERS = 200
OPTION = "intention"
"""Option of a run: the digest of what was asked for under its key."""


def intention_of(verb: str, subject: object, arguments: Any = None) -> str:
    """Return the digest of a request; two are the same if their digests are."""
    asked = json.dumps([verb, str(subject), arguments], sort_keys=True, cls=DjangoJSONEncoder)
    return sha256(asked.encode()).hexdigest()


def check_key(key: str) -> None:
    """Raise InvalidInput for a key that is empty, too long or not printable."""
    if not (key.isascii() and key.isprintable() and key.strip() and len(key) <= MOST_CHARACTERS):
        accepted = f"1 to {MOST_CHARACTERS} printable ASCII characters"
        raise InvalidInput("Idempotency-Key", key, accepted)


def run_made_before(key: str, intention: str) -> Run | None:
    """Return the run that this request has made before; None for a new key.

    Raises InvalidInput for what is no key, and for one under which something else was asked for.
    """
    check_key(key)
    before = Run.objects.filter(idempotency_key=key).first()
    if before is not None and before.options.get(OPTION) != intention:
        raise _used(key, f"run {before.task_id}")
    if before is None and (other := _backfill_with(key)):
        raise _used(key, f"backfill {other.pk}")
    return before


def backfill_made_before(key: str, intention: str) -> Backfill | None:
    """Return the backfill that this request has made before; None for a new key.

    Raises InvalidInput for what is no key, and for one under which something else was asked for.
    """
    check_key(key)
    before = _backfill_with(key)
    if before is not None and before.intention != intention:
        raise _used(key, f"backfill {before.pk}")
    other = Run.objects.filter(idempotency_key=key).first() if before is None else None
    if other is not None:
        raise _used(key, f"run {other.task_id}")
    return before


def _backfill_with(key: str) -> Backfill | None:
    return Backfill.objects.filter(idempotency_key=key).first()


def _used(key: str, whose: str) -> InvalidInput:
    accepted = (
        f"a key of its own for each request; this one was used for {whose},"
        " for another job, run or other arguments"
    )
    return InvalidInput("Idempotency-Key", key, accepted)
