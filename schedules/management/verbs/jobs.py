"""`scheduler jobs`: every job, when it runs next and how it went."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from schedules.management.console import Console, ExitCode
from schedules.models import Job, Run
from schedules.operations.conditions import condition
from schedules.operations.last_runs import with_last_runs
from schedules.operations.listing import list_jobs
from schedules.operations.shapes import job_shape
from schedules.operations.wording import iso_seconds, mark_of, relative, timetable_words
from schedules.querysets.clock import database_now

HELP = """\
List the jobs: timetable, next run, last outcome.

Deleted jobs are not listed. STATE is ok, late, failing, paused, disabled,
invalid, or ended (it will not run again).

examples:
  manage.py scheduler jobs
  manage.py scheduler jobs --json | jq '.items[].nextRunAt'"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="One JSON document instead of a table.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Show the jobs."""
    now = database_now()
    jobs = Job.objects.existing().select_related("task_function", "calendar")
    rows = list_jobs(jobs.order_by("key"))
    with_last_runs([row.job for row in rows])
    console.document({"items": [job_shape(row.job) for row in rows]})
    lines = [
        (
            str(job.pk),
            job.key,
            condition(job, last=last.state if last else None, now=now).label,
            timetable_words(job),
            _next(job, now),
            _last(last, now),
        )
        for job, last in rows
    ]
    if lines:
        console.table(("ID", "KEY", "STATE", "TIMETABLE", "NEXT", "LAST"), lines)
    else:
        console.text("No jobs: declare one with @job and run `manage.py scheduler install`.")
    return ExitCode.OK


def _last(run: Run | None, now: datetime) -> str:
    if run is None:
        return "-"
    return f"{mark_of(run.state).word} {relative(run.finished_at or run.scheduled_at, now=now)}"


def _next(job: Job, now: datetime) -> str:
    if job.next_run_at is None:
        return "-"
    return f"{iso_seconds(job.next_run_at)} ({relative(job.next_run_at, now=now)})"
