"""The audit record: one row for each change, trigger and cancellation."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Literal

from django.core.serializers.json import DjangoJSONEncoder

from schedules.models import AuditEntry
from schedules.redaction import redacted

_gathered: ContextVar[list[AuditEntry] | None] = ContextVar("gathered", default=None)

Source = Literal["api", "cli", "admin", "dashboard", "worker", "code", "repair", "stock"]
"""Where a change came from; `stock` is django-celery-beat's tables, by whatever means."""


def record(
    action: str,
    *,
    subject: str,
    actor: object,
    source: Source,
    now: datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
) -> AuditEntry:
    """Write who did what to what, in the caller's transaction: without the change, no entry.

    `subject` is a kind and a name, for example `job:end_meeting`. Both it and the actor are kept as
    text, so that the entry outlives them. `before` and `after` hold the changed fields only; dates
    and durations become ISO text, and secrets are masked.
    """
    entry = AuditEntry(
        at=now,
        actor=actor_name(actor),
        action=action[:50],
        subject=subject[:250],
        source=source,
        before=_plain(before),
        after=_plain(after),
        reason=reason,
    )
    together = _gathered.get()
    if together is None:
        entry.save()
    else:
        together.append(entry)
    return entry


@contextmanager
def gathered() -> Iterator[list[AuditEntry]]:
    """Within it nothing is written: the entries are put into the list, for one that covers them."""
    entries: list[AuditEntry] = []
    token = _gathered.set(entries)
    try:
        yield entries
    finally:
        _gathered.reset(token)


def actor_name(actor: object) -> str:
    """Return the name an audit entry uses: a user's user name, any other actor as text."""
    get_username = getattr(actor, "get_username", None)
    name = get_username() if callable(get_username) else str(actor)
    return (name or "anonymous")[:150]


def _plain(values: Mapping[str, Any] | None) -> Any:
    if values is None:
        return None
    return redacted(json.loads(json.dumps(dict(values), cls=DjangoJSONEncoder)))
