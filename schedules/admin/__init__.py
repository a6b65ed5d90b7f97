"""The scheduler's pages in Django's admin, and stricter forms on django-celery-beat's own pages."""

from schedules.admin import (
    alerts,
    declared,
    engine,
    jobs,
    login,
    record,
    runs,
    stock_results,
    stock_schedules,
    stock_tasks,
)

__all__ = [
    "alerts",
    "declared",
    "engine",
    "jobs",
    "login",
    "record",
    "runs",
    "stock_results",
    "stock_schedules",
    "stock_tasks",
]
