"""`/debug/scheduler`: what waits, for developers at their own machine."""

from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from schedules.access import may_view
from schedules.models import Job
from schedules.operations.listing import parked_runs
from schedules.operations.status import scheduler_status
from schedules.operations.wording import iso, timetable_words
from schedules.querysets.clock import database_now

MOST = 100


@never_cache
@require_safe
def debug_scheduler(request: HttpRequest) -> HttpResponse:
    """Answer `scheduler_running` and `jobs` (timetables first, then parked one-off calls).

    Only in the environment `dev`, and there for this machine or for staff who may view; otherwise
    there is no such page.
    """
    if getattr(settings, "ENVIRONMENT", "prod") != "dev" or not _is_trusted(request):
        raise Http404
    status = scheduler_status(now=database_now())
    jobs = Job.objects.enabled().order_by("next_run_at", "id")[:MOST]
    waiting: list[dict[str, Any]] = [
        {
            "id": job.key,
            "name": job.name_en or job.key,
            "next_run_time": job.next_run_at and iso(job.next_run_at),
            "trigger": timetable_words(job),
        }
        for job in jobs
    ]
    waiting += [
        {
            "id": run.natural_key or str(run.task_id),
            "name": run.task,
            "next_run_time": iso(run.due_at),
            "trigger": "date",
        }
        for run in parked_runs(limit=MOST)
    ]
    return JsonResponse(
        {
            "scheduler_running": status.is_running,
            "total_jobs": status.enabled_jobs + status.parked_runs,
            "jobs": waiting,
        }
    )


def _is_trusted(request: HttpRequest) -> bool:
    user = request.user
    if user.is_authenticated and user.is_staff and may_view(user):
        return True
    # A proxy on this machine passes strangers on; it says so.
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
