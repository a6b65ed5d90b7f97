"""`scheduler install`: rows for what code declares."""

from argparse import ArgumentParser
from typing import Any

from schedules.management.console import Console, ExitCode
from schedules.management.operator import operator_name
from schedules.operations.install import install_declared
from schedules.operations.upkeep_shapes import install_shape
from schedules.querysets.clock import database_now

HELP = """\
Install the jobs that code declares with @job. Safe to repeat.

Creates what is missing and brings unchanged fields up to date. A field that an
operator has changed stays and is reported as drift, unless --replace-existing.
So does a job that a person has deleted. One that code no longer declares is
disabled, never deleted.

examples:
  manage.py scheduler install
  manage.py scheduler install --json | jq .drifted"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--replace-existing",
        action="store_true",
        help="Discard what operators have changed or deleted.",
    )
    parser.add_argument("--json", action="store_true", help="One JSON document instead of text.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Install, and say what was done."""
    report = install_declared(
        now=database_now(),
        replace_existing=options["replace_existing"],
        by=operator_name(),
        source="cli",
    )
    console.document(install_shape(report))
    for word in ("created", "updated", "unchanged", "disabled", "deleted"):
        keys = getattr(report, word)
        console.text(f"{word:<10} {len(keys)}  {', '.join(keys)}".rstrip())
    for key, fields in report.drifted.items():
        console.text(f"drift      {key}: {', '.join(fields)} as an operator left it")
    return ExitCode.OK
