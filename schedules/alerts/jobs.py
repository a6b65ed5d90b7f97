"""The job that sends deliveries. It is the framework's own, so it tells of no alert itself."""

from contextlib import nullcontext
from datetime import timedelta
from typing import Any
from uuid import UUID

from schedules.alerts.book import MOST_ATTEMPTS, RETRY_AFTER, send_at
from schedules.models import Delivery
from schedules.querysets.clock import database_now
from schedules.registry import job


@job(
    idempotent=True,
    max_retries=MOST_ATTEMPTS - 1,
    retry_delay=RETRY_AFTER,
    time_limit=timedelta(minutes=2),
    priority=5,
    name_en="Deliver an alert",
    name_ar="إرسال تنبيه",
    name_id="Kirim peringatan",
    description_en="Sends one message of the alerts to its channel.",
    description_ar="يرسل رسالة واحدة من التنبيهات إلى قناتها.",
    description_id="Mengirim satu pesan peringatan ke salurannya.",
)
def deliver_alert(delivery: UUID) -> dict[str, Any]:
    """Send the delivery, unless it is over or somebody else sends it; a failed try is raised.

    If a worker dies in the middle it is sent once more: twice is better than never.
    """
    from schedules.alerts.sending import send  # every process knows the job, few send

    key = UUID(str(delivery))
    answer = send(key, clock=database_now, database=nullcontext)
    if answer is not None:
        return {"success": True, "message": answer, "sent": True}
    later = Delivery.objects.filter(pk=key, next_at__isnull=False).values_list("next_at", flat=True)
    if due_at := later.first():
        send_at(key, due_at)
        return {"success": True, "message": "It is sent elsewhere, or not due yet.", "sent": False}
    return {"success": True, "message": "There is nothing left to send.", "sent": False}
