"""The same request sent twice is one run: what a caller's idempotency key was used for."""

import json
from hashlib import sha256
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from schedules.errors import InvalidInput
from schedules.models import Run

OPTION = "intention"
"""Option of a run: the digest of what was asked for under its key."""


def intention_of(verb: str, subject: object, arguments: Any = None) -> str:
    """Return the digest of a request; two are the same if their digests are."""
    asked = json.dumps([verb, str(subject), arguments], sort_keys=True, cls=DjangoJSONEncoder)
    return sha256(asked.encode()).hexdigest()


def run_made_before(key: str, intention: str) -> Run | None:
    """Return the run that this request has made before; None for a new key.

    Raises InvalidInput for a key under which something else was asked for.
    """
    before = Run.objects.filter(idempotency_key=key).first()
    if before is not None and before.options.get(OPTION) != intention:
        accepted = (
            f"a key of its own for each request; this one was used for run {before.task_id},"
            " for another job, run or other arguments"
        )
        raise InvalidInput("Idempotency-Key", key, accepted)
    return before
