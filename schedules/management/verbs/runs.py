"""`scheduler runs`: what happened, newest first."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from schedules.management.console import Console, ExitCode
from schedules.management.parser import job_named, one_of, whole_number
from schedules.models import Run
from schedules.operations.listing import hosts_of, recent_runs
from schedules.operations.shapes import STATUSES, run_shape
from schedules.operations.wording import duration, iso_seconds, relative
from schedules.querysets.clock import database_now
from schedules.states import RunState

MOST_RUNS = 1000
BY_NAME = {name: state for state, (_, name) in STATUSES.items()}
SAME = {"succeeded": "success", "planned": "pending", "sent": "queued"}
"""The words of the admin for the names of the API."""

HELP = f"""\
List runs, newest first: what ran, what did not, and why.

A run is one occurrence of a job, or one one-off call. Runs of a later time, such
as parked calls, are listed only when --state asks for them. --state is one of
  {", ".join(BY_NAME)}.

examples:
  manage.py scheduler runs
  manage.py scheduler runs end_of_day --state failed --limit 5
  manage.py scheduler runs --json | jq '.items[] | .jobKey, .statusName'"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("job", nargs="?", metavar="JOB", help="Only of this job: key or number.")
    parser.add_argument("--state", metavar="STATE", help="Only runs in this state.")
    parser.add_argument(
        "--limit", default="20", metavar="N", help=f"How many, 1 to {MOST_RUNS}; default 20."
    )
    parser.add_argument("--json", action="store_true", help="One JSON document instead of a table.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Show the runs."""
    limit = whole_number(options["limit"], field="limit", least=1, most=MOST_RUNS)
    states: list[RunState] | None = None
    if options["state"] is not None:
        name = SAME.get(options["state"], options["state"])
        states = [BY_NAME[one_of(name, list(BY_NAME), field="state")]]
    job = job_named(options["job"]) if options["job"] is not None else None
    now = database_now()
    found = recent_runs(job=job, states=states, limit=limit, until=None if states else now)
    hosts = hosts_of(found)
    console.document({"items": [run_shape(row, hosts=hosts) for row in found]})
    if found:
        titles = ("SCHEDULED", "", "WHAT", "STATE", "TOOK", "TRY", "ORIGIN", "REMARK", "EXECUTION")
        console.table(titles, [_line(row, now) for row in found])
    else:
        console.text("No runs. `manage.py scheduler jobs` says when the next ones are due.")
    return ExitCode.OK


def _line(row: Run, now: datetime) -> tuple[str, ...]:
    took = row.finished_at - row.started_at if row.finished_at and row.started_at else None
    return (
        iso_seconds(row.scheduled_at),
        relative(row.scheduled_at, now=now),
        row.job_key or row.natural_key or row.task,
        f"{row.state} x{row.count}" if row.count > 1 else row.state,
        duration(took) if took is not None else "-",
        str(row.attempt),
        row.origin,
        (row.error or row.reason or row.summary)[:60] or "-",
        str(row.task_id),
    )
