"""How often one caller may trigger: counted in the audit record, so it holds for all processes."""

from datetime import datetime, timedelta

from schedules.access import actor_name
from schedules.models import AuditEntry
from schedules.rest.problems import TooManyRequests

WINDOW = timedelta(minutes=1)
MOST_TRIGGERS = 300
COUNTED = ("trigger", "retry", "backfill")


def check_triggers(user: object, *, now: datetime) -> None:
    """Raise TooManyRequests for a caller who has triggered too much in the last minute."""
    recent = AuditEntry.objects.filter(
        at__gt=now - WINDOW, actor=actor_name(user), action__in=COUNTED, source="api"
    )
    if recent.order_by()[:MOST_TRIGGERS].count() >= MOST_TRIGGERS:
        seconds = int(WINDOW.total_seconds())
        raise TooManyRequests(
            f"You have triggered {MOST_TRIGGERS} runs within {seconds} s. Wait a moment.",
            retry_after_seconds=seconds,
        )
