"""Deleting old history on a person's word."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from schedules.access import Source, record
from schedules.errors import InvalidInput
from schedules.retention import clean_log

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

RETENTION_DAYS = 30
MOST_DAYS = 36_500


def clean_up(
    *,
    now: datetime,
    by: "AbstractBaseUser | AnonymousUser | str",
    source: Source,
    retention_days: int = RETENTION_DAYS,
    reason: str = "",
) -> int:
    """Delete what ended more than `retention_days` days before `now`; return how many rows.

    What is never deleted is said at `retention.clean_log`. Each batch is a transaction of its own,
    so nothing waits for long, and what was deleted stays so if it is broken off. Raises
    InvalidInput for fewer than one day.
    """
    if not 1 <= retention_days <= MOST_DAYS:
        accepted = f"a whole number of days from 1 to {MOST_DAYS}"
        raise InvalidInput("retention_days", retention_days, accepted)
    deleted = sum(clean_log(before=now - timedelta(days=retention_days), now=now))
    record(
        "cleanup",
        subject="runs",
        actor=by,
        source=source,
        now=now,
        after={"retentionDays": retention_days, "deletedCount": deleted},
        reason=reason,
    )
    return deleted
