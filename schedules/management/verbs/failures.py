"""`scheduler failures`: failures by cause, and dealing with all of one cause at once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from schedules.management.console import Console, ExitCode
from schedules.management.operator import operator_name
from schedules.management.parser import whole_number
from schedules.operations.failures import Group, group_failures
from schedules.operations.recovery import Period, dismiss_group, retry_group
from schedules.operations.shapes import group_shape
from schedules.operations.wording import iso, iso_seconds
from schedules.querysets.clock import database_now

MOST_HOURS = 24 * 366

HELP = """\
List failures by cause, or retry or dismiss all of one cause.

Failures of one job with the same kind of exception and messages alike are a
group. What was retried or dismissed with its group is in none any more.

examples:
  manage.py scheduler failures --hours 6
  manage.py scheduler failures --retry 3f2a90c1d4e5b607 --reason "the disk is free again"
  manage.py scheduler failures --dismiss 3f2a90c1d4e5b607 --reason "a test"
  manage.py scheduler failures --json | jq '.items[] | .id, .count'"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--hours", default="24", metavar="N", help="How far back; default 24.")
    verbs = parser.add_mutually_exclusive_group()
    verbs.add_argument("--retry", metavar="GROUP", help="Run each of its failures again.")
    verbs.add_argument("--dismiss", metavar="GROUP", help="Note that they need nothing more.")
    parser.add_argument("--reason", default="", help="Why; --dismiss needs it.")
    parser.add_argument("--json", action="store_true", help="One JSON document instead of text.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Show the groups, or deal with one."""
    now = database_now()
    hours = whole_number(options["hours"], field="hours", least=1, most=MOST_HOURS)
    period = Period(since=now - timedelta(hours=hours), until=now)
    who: dict[str, Any] = {"by": operator_name(), "source": "cli", "now": now}
    if options["retry"]:
        done = retry_group(options["retry"], period=period, reason=options["reason"], **who)
        console.document({"retried": done.runs, "refused": done.refused, "left": done.left})
        console.text(f"{done.runs} runs are run again; {done.left} are left.")
        for sentence in done.refused:
            console.text(sentence)
    elif options["dismiss"]:
        number = dismiss_group(options["dismiss"], period=period, reason=options["reason"], **who)
        console.document({"dismissed": number})
        console.text(f"{number} runs are dismissed.")
    else:
        _show(period, console)
    return ExitCode.OK


def _show(period: Period, console: Console) -> None:
    found = group_failures(since=period.since, until=period.until)
    console.document(
        {
            "items": [group_shape(group, with_message=True) for group in found.groups],
            "from": iso(period.since),
            "to": iso(period.until),
            "read": found.read,
            "isCut": found.is_cut,
        }
    )
    if found.groups:
        titles = ("GROUP", "TIMES", "WHAT", "CAUSE", "LAST", "NEWEST")
        console.table(titles, [_line(group) for group in found.groups])
    else:
        console.text("No failure in this time that nobody has dealt with.")


def _line(group: Group) -> tuple[str, ...]:
    return (
        group.id,
        str(group.number),
        group.subject,
        f"{group.exception}: {group.message}"[:70],
        iso_seconds(group.last_at),
        str(group.newest_id),
    )
