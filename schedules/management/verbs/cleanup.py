"""`scheduler cleanup`: deleting old history."""

from argparse import ArgumentParser
from typing import Any

from schedules.management.console import Console, ExitCode
from schedules.management.operator import operator_name
from schedules.management.parser import whole_number
from schedules.operations.cleanup import MOST_DAYS, RETENTION_DAYS, clean_up
from schedules.querysets.clock import database_now

HELP = """\
Delete finished runs that are older than --days, with their results.

Runs without an outcome stay, and so does what a catch-up may still need. A job
with a retention of its own keeps exactly that much.

examples:
  manage.py scheduler cleanup --days 90
  manage.py scheduler cleanup --json"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--days", default=str(RETENTION_DAYS), metavar="N", help=f"Default {RETENTION_DAYS}."
    )
    parser.add_argument("--reason", default="", help="Why; kept in the audit record.")
    parser.add_argument("--json", action="store_true", help='{"deletedCount": …}.')


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Delete, and say how much."""
    days = whole_number(options["days"], field="days", least=1, most=MOST_DAYS, unit="days")
    deleted = clean_up(
        now=database_now(),
        by=operator_name(),
        source="cli",
        retention_days=days,
        reason=options["reason"],
    )
    message = f"Cleaned up {deleted} execution records older than {days} days"
    console.document({"deletedCount": deleted, "message": message})
    console.text(f"{message}.")
    return ExitCode.OK
