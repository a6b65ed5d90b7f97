"""`scheduler explain`: why did it (not) run then?"""

from argparse import ArgumentParser
from typing import Any

from schedules.ledger import explain
from schedules.management.console import Console, ExitCode
from schedules.management.parser import instant, job_named
from schedules.operations.upkeep_shapes import explanation_shape

HELP = """\
Say what became of a job at one instant, and why.

Answered from rows alone: which timetable was in force, whether the instant is one
of its occurrences, what the clocks did that day, and the run with its attempts.

examples:
  manage.py scheduler explain auto_create_daily_attendance --at 2026-03-03T00:30:00+07:00
  manage.py scheduler explain 3 --at 2026-03-29T00:30:00Z --json"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("job", metavar="JOB", help="Key or number.")
    parser.add_argument("--at", required=True, metavar="ISO", help="The instant, with its offset.")
    parser.add_argument("--json", action="store_true", help="One JSON document instead of text.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Show the explanation."""
    job = job_named(options["job"], or_deleted=True)
    answer = explain(job, at=instant(options["at"], field="at"))
    console.document(explanation_shape(answer))
    for sentence in answer.sentences:
        console.text(sentence)
    return ExitCode.OK
