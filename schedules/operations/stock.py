"""Keeping django-celery-beat's own columns true for people who look at its pages."""

from datetime import datetime
from functools import partial

from django.db.models import Count, F, Max
from django.db.models.functions import Coalesce, Greatest
from django_celery_beat.models import PeriodicTask

from schedules.models import Job, Run
from schedules.operations.watermarks import SETTLED, is_up_to_date, take_watermark
from schedules.querysets.held import unless_held

NAME = "stock_columns"


def refresh_stock_columns(*, now: datetime) -> int:
    """Bring `last_run_at` and `total_run_count` up to date for jobs that ran; return how many.

    Looks only at runs that ended since the last pass. Of several Beats one does it. The triggers
    pass these columns over, so that bookkeeping is no edit.
    """
    if is_up_to_date(NAME):
        return 0
    what = "what the stock pages show of the latest runs"
    return unless_held(what, partial(_refresh, until=now - SETTLED))


def _refresh(*, until: datetime) -> int:
    watermark = take_watermark(NAME, first=lambda: until)
    if watermark is None or watermark.at >= until:
        return 0
    ended = (
        Run.objects.filter(finished_at__gt=watermark.at, finished_at__lte=until, job__isnull=False)
        .exclude(started_at=None)
        .order_by()
        .values("job", "job__periodic_task_id")
        .annotate(latest=Max("started_at"), number=Count("pk"))
    )
    rows = list(ended)
    for row in rows:
        latest = Greatest(Coalesce("last_run_at", row["latest"]), row["latest"])
        Job.objects.filter(pk=row["job"]).update(last_run_at=latest)
        PeriodicTask.objects.filter(pk=row["job__periodic_task_id"]).update(
            last_run_at=latest, total_run_count=F("total_run_count") + row["number"]
        )
    watermark.at = until
    watermark.save(update_fields=["at"])
    return len(rows)
