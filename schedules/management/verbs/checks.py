"""`scheduler checks`: what a good result of a job looks like."""

from argparse import ArgumentParser
from typing import Any

from schedules.errors import InvalidInput
from schedules.management.console import Console, ExitCode
from schedules.management.operator import operator_name
from schedules.management.parser import job_named
from schedules.models import Job
from schedules.operations.edit import update_job
from schedules.querysets.clock import database_now

HELP = """\
Show, add or remove the checks of a job's outcome.

A check is an expression over the numbers in the result of a run, its seconds
(took, started_late), and earlier values of them: median, mean, p95, lowest,
highest, previous. A success for which one does not hold is suspect.

examples:
  manage.py scheduler checks nightly --add "errors == 0"
  manage.py scheduler checks nightly --add "total >= 0.8 * median(total, last=10)"
  manage.py scheduler checks nightly --remove "errors == 0"
  manage.py scheduler checks nightly --json"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("job", metavar="JOB", help="Key or number of the job.")
    parser.add_argument("--add", action="append", default=[], metavar="CHECK", help="Repeatable.")
    parser.add_argument("--remove", action="append", default=[], metavar="CHECK", help="As shown.")
    parser.add_argument("--reason", default="", help="Why; kept in the audit record.")
    parser.add_argument("--json", action="store_true", help="One JSON document instead of text.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Change the checks, if any are named, and show them."""
    job = job_named(options["job"])
    if options["add"] or options["remove"]:
        job = _change(job, options)
    checks = job.checks or []
    console.document({"jobKey": job.key, "checks": checks})
    for check in checks:
        console.text(check)
    if not checks:
        console.text(f"Job {job.key} has no checks: a run that succeeded is taken at its word.")
    return ExitCode.OK


def _change(job: Job, options: dict[str, Any]) -> Job:
    checks = list(job.checks or [])
    for check in options["remove"]:
        if check not in checks:
            accepted = "a check that the job has; `scheduler checks` shows them"
            raise InvalidInput("remove", check, accepted)
        checks.remove(check)
    return update_job(
        job,
        changes={"checks": [*checks, *options["add"]]},
        by=operator_name(),
        source="cli",
        now=database_now(),
        reason=options["reason"],
    )
