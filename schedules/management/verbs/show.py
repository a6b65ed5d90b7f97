"""`scheduler show`: everything about one job."""

from argparse import ArgumentParser
from typing import Any

from schedules.adapters.ignored import ignored_by
from schedules.management.console import Console, ExitCode
from schedules.management.parser import job_named
from schedules.operations.last_runs import with_last_runs
from schedules.operations.shapes import job_shape
from schedules.operations.wording import timetable_words

HELP = """\
Show one job: timetable, policy, pause, next and last run.

examples:
  manage.py scheduler show end_of_day
  manage.py scheduler show 17 --json | jq .nextRunAt"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("job", metavar="JOB", help="Key or number of the job.")
    parser.add_argument("--json", action="store_true", help="The job as one JSON document.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Show the job."""
    job = job_named(options["job"])
    with_last_runs([job])
    shape = {**job_shape(job), "remarks": ignored_by(job.periodic_task_id)}
    console.document(shape)
    console.text(f"{'timetable':<18} {timetable_words(job)}")
    for name, value in shape.items():
        if value not in (None, "", [], {}):
            console.text(f"{name:<18} {value}")
    return ExitCode.OK
