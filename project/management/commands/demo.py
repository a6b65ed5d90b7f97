"""Fill the database with a small company to try things with."""

from argparse import ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from project.demo import MOST_EMPLOYEES, load_demo


def _number_of_employees(text: str) -> int:
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= MOST_EMPLOYEES:
        return int(text)
    raise ArgumentTypeError(f"{text!r} is not a whole number from 1 to {MOST_EMPLOYEES}.")


class Command(BaseCommand):
    """`manage.py demo [--employees 25]`. Safe to repeat: nothing is made twice."""

    help = "Load demo data: people, punches, leave, meetings that end soon, games. Repeatable."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the size of the company."""
        parser.add_argument("--employees", type=_number_of_employees, default=25, metavar="COUNT")

    def handle(self, *args: Any, **options: Any) -> None:
        """Load, and print one line for each area."""
        for line in load_demo(now=datetime.now(UTC), employees=options["employees"]):
            self.stdout.write(line)
