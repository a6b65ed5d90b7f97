"""Where Flower shows what it knows of a worker or a task."""

from urllib.parse import quote
from uuid import UUID

from schedules.conf import options


def flower_of(*, task_id: UUID | None = None) -> str:
    """Return Flower's own address, or that of a task; empty where no Flower is known."""
    base = options().flower_url.rstrip("/")
    if not base:
        return ""
    return base + (f"/task/{quote(str(task_id))}" if task_id else "/workers")
