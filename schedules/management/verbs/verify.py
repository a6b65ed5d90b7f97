"""`scheduler verify`: does the ledger balance?"""

from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from schedules.errors import InvalidInput
from schedules.ledger import Balance, verify
from schedules.management.console import Console, ExitCode
from schedules.management.parser import instant, job_named
from schedules.models import Job
from schedules.operations.upkeep_shapes import KINDS, books_shape
from schedules.operations.wording import iso_seconds
from schedules.querysets.clock import database_now

DEFAULT_SPAN = timedelta(days=1)

HELP = """\
Check that every occurrence has exactly one row with one outcome.

The occurrences are computed anew from the timetable versions that were in force
and matched with the rows one to one. Ends with exit code 1 unless all of it
balances: nothing missing, extra, duplicate or unfinished.

examples:
  manage.py scheduler verify
  manage.py scheduler verify --job end_of_day --from 2026-03-01T00:00:00Z --to 2026-04-01T00:00:00Z
  manage.py scheduler verify --json | jq '.items[] | select(.balances | not)'"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--job", metavar="JOB", help="Only this job: key or number.")
    parser.add_argument("--from", dest="after", metavar="ISO", help="Default: a day before --to.")
    parser.add_argument("--to", dest="until", metavar="ISO", help="Default: now.")
    parser.add_argument("--json", action="store_true", help="One JSON document instead of a table.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Show the balance of each job."""
    now = database_now()
    until = instant(options["until"], field="to") if options["until"] else now
    after = instant(options["after"], field="from") if options["after"] else until - DEFAULT_SPAN
    if after >= until:
        raise InvalidInput("from", iso_seconds(after), f"an instant before {iso_seconds(until)}")
    jobs: Iterable[Job] = Job.objects.order_by("key")
    if options["job"]:
        jobs = [job_named(options["job"], or_deleted=True)]
    balances = list(verify(jobs, after=after, until=until, now=now))
    books = books_shape(balances, after=after, until=until)
    console.document(books)
    if balances:
        titles = ("JOB", "EXPECTED", *(kind.upper() for kind in KINDS), "FIRST OF THEM")
        console.table(titles, [_line(balance) for balance in balances])
    console.text("The ledger balances." if books["balances"] else "The ledger does not balance.")
    return ExitCode.OK if books["balances"] else ExitCode.PROBLEM


def _line(balance: Balance) -> tuple[str, ...]:
    first = min((moments[0] for moments in balance.examples.values()), default=None)
    counts = (str(getattr(balance, kind)) for kind in ("expected", *KINDS))
    return (balance.job_key, *counts, iso_seconds(first) if first else "-")
