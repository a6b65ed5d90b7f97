"""`scheduler depend`: letting a job run after another."""

from argparse import ArgumentParser
from typing import Any

from schedules.management.console import Console, ExitCode
from schedules.management.operator import operator_name
from schedules.management.parser import job_named, one_of
from schedules.models import Job
from schedules.operations.dependencies import (
    add_dependency,
    dependencies_of,
    dependents_of,
    remove_dependency,
)
from schedules.operations.shapes import dependency_shape
from schedules.querysets.clock import database_now
from schedules.states import After

HELP = """\
Let a job run after another, end that, or show what runs after what.

The run is planned in the same transaction in which the other one ends, stands for
the same nominal time, and keeps to its own job's pause, overlap and grace.
A circle is refused. Without UPSTREAM the present dependencies are shown.

examples:
  manage.py scheduler depend email_attendance_summary calculate_absentees
  manage.py scheduler depend alert_hr calculate_absentees --when failed
  manage.py scheduler depend alert_hr calculate_absentees --remove
  manage.py scheduler depend email_attendance_summary --json"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("job", metavar="JOB", help="The job that runs after: key or number.")
    parser.add_argument("upstream", metavar="UPSTREAM", nargs="?", help="The job before it.")
    parser.add_argument(
        "--when", default="succeeded", metavar="OUTCOME", help=f"{', '.join(After.values)}."
    )
    parser.add_argument("--remove", action="store_true", help="Let it run after UPSTREAM no more.")
    parser.add_argument("--reason", default="", help="Why; kept in the audit record.")
    parser.add_argument("--json", action="store_true", help="One JSON document instead of text.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Change a dependency, if one is named, and show what the job runs after."""
    job = job_named(options["job"])
    if options["upstream"]:
        _change(job, job_named(options["upstream"]), options)
    before, after = list(dependencies_of(job)), list(dependents_of(job))
    console.document(
        {
            "jobKey": job.key,
            "items": [dependency_shape(one) for one in before],
            "dependents": [dependency_shape(one) for one in after],
        }
    )
    for one in (*before, *after):
        console.text(f"{one.job.key} runs after {one.upstream.key} has {one.on}.")
    if not before:
        console.text(f"Job {job.key} runs after no other.")
    return ExitCode.OK


def _change(job: Job, upstream: Job, options: dict[str, Any]) -> None:
    common: dict[str, Any] = {
        "by": operator_name(),
        "source": "cli",
        "now": database_now(),
        "reason": options["reason"],
    }
    if options["remove"]:
        remove_dependency(job, upstream, **common)
        return
    when = After(one_of(options["when"], After.values, field="when"))
    add_dependency(job, upstream, on=when, **common)
