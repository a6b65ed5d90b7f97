"""`scheduler recover`: putting back what is missing."""

from argparse import ArgumentParser
from typing import Any

from schedules.management.console import Console, ExitCode
from schedules.management.operator import operator_name
from schedules.operations.doctor import recover
from schedules.operations.upkeep_shapes import recovery_shape
from schedules.querysets.clock import database_now

HELP = """\
Put back missing triggers and the rows of declared jobs. Safe to repeat.

What a person deleted, disabled or paused stays so; `scheduler doctor` lists it.

examples:
  manage.py scheduler recover
  manage.py scheduler recover --json"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="One JSON document instead of text.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Recover, and say what was put back."""
    done = recover(now=database_now(), by=operator_name(), source="cli")
    jobs = done.jobs
    console.document(recovery_shape(done))
    back = [*done.triggers, *jobs.created, *jobs.updated]
    console.text(f"Put back: {', '.join(back)}." if back else "Nothing was missing.")
    return ExitCode.OK
