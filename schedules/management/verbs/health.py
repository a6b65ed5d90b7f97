"""`scheduler health`: the same answer as /healthz."""

from argparse import ArgumentParser
from typing import Any

from schedules.health import Overall, check_health
from schedules.management.console import Console, ExitCode

HELP = """\
Say in one word whether database, Beat and broker are well.

Exit code 1 unless all of them are. Monitors without a shell ask /healthz.

examples:
  manage.py scheduler health
  manage.py scheduler health --json"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="One JSON document instead of text.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Show the health."""
    health = check_health()
    console.document(health.as_dict())
    for part, word in health.as_dict().items():
        console.text(f"{part:<10} {word}")
    return ExitCode.OK if health.status is Overall.OK else ExitCode.PROBLEM
