"""The overview page."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from schedules.access import may_view_details
from schedules.dashboard.guard import guarded
from schedules.dashboard.rows import instance_lines, job_lines, run_lines
from schedules.models import Job
from schedules.operations.listing import hosts_of, list_jobs, parked_runs, recent_runs
from schedules.operations.status import MOST_PARKED, scheduler_status
from schedules.querysets.clock import database_now

JOBS_PER_PAGE = 100
RUNS_SHOWN = 50
PARKED_SHOWN = 50


@guarded
def overview(request: HttpRequest) -> HttpResponse:
    """Show how the scheduler stands: jobs, last runs, parked one-offs, Beats and workers.

    Ten statements or so, however many rows there are.
    """
    now = database_now()
    status = scheduler_status(now=now)
    jobs = Job.objects.existing().order_by("key")
    page = Paginator(jobs, JOBS_PER_PAGE).get_page(request.GET.get("page"))
    start = page.start_index() - 1 if page.paginator.count else 0
    runs = recent_runs(limit=RUNS_SHOWN, until=now)
    parked = parked_runs(limit=PARKED_SHOWN)
    hosts = hosts_of([*runs, *parked])
    context = {
        "now": now,
        "status": status,
        "more_parked": status.parked_runs >= MOST_PARKED,
        "page": page,
        "jobs": job_lines(list_jobs(jobs[start : start + JOBS_PER_PAGE]), now=now),
        "runs": run_lines(runs, hosts=hosts, now=now),
        "parked": run_lines(parked, hosts=hosts, now=now),
        "instances": instance_lines(status.instances, now=now),
        "may_view_details": may_view_details(request.user),
    }
    return render(request, "schedules/overview.html", context)
