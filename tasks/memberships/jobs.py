"""The job of the memberships: those that have run out expire."""

from datetime import datetime, timedelta
from typing import Any

from schedules.public import Cron, CurrentRun, job
from tasks.memberships.models import Membership

BATCH = 1000
"""Memberships expired in one transaction. On SQLite an open one stops every other writer."""


@job(
    Cron("0 0 * * *"),
    enabled=False,
    idempotent=True,
    misfire_grace=timedelta(hours=23),
    name_en="Check memberships",
    name_ar="التحقق من العضويات",
    name_id="Periksa keanggotaan",
    description_en="Expires memberships whose end has come.",
    description_ar="ينهي العضويات التي حل موعد انتهائها.",
    description_id="Mengakhiri keanggotaan yang masa berlakunya telah habis.",
)
def check_memberships(*, scheduled_at: datetime, run: CurrentRun) -> dict[str, Any]:
    """Expire the active memberships whose end had come by `scheduled_at`. Safe to repeat."""
    over = Membership.objects.over(scheduled_at)
    total, expired = over.count(), 0
    while ids := list(over.order_by("ends_at", "pk").values_list("pk", flat=True)[:BATCH]):
        with run.fenced():
            # The condition once more: one of them may have been prolonged since it was read.
            changed = over.filter(pk__in=ids)
            expired += changed.update(status=Membership.Status.EXPIRED, expired_at=scheduled_at)
        run.progress(expired, max(expired, total))
    return {"message": f"{expired} memberships have expired.", "expired": expired}
