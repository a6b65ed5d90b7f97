"""`scheduler doctor`: what is wrong, and what to do about it."""

from argparse import ArgumentParser
from typing import Any

from schedules.management.console import Console, ExitCode
from schedules.operations.doctor import examine
from schedules.operations.upkeep_shapes import findings_shape
from schedules.querysets.clock import database_now

HELP = """\
Look for what is wrong with this installation, and say what to do about it.

Looks at triggers, Beats, workers, pauses, declared jobs, jobs that are invalid,
late, flagged or never run again, and runs that wait or run for too long.
Exit code 1 when something is found.

examples:
  manage.py scheduler doctor
  manage.py scheduler doctor --json | jq '.items[].remedy'"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="One JSON document instead of text.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Show the findings."""
    findings = examine(now=database_now())
    console.document(findings_shape(findings))
    for finding in findings:
        console.text(f"{finding.check}: {finding.found}. To mend it, {finding.remedy}.")
    if not findings:
        console.text("Nothing is wrong.")
    return ExitCode.PROBLEM if findings else ExitCode.OK
