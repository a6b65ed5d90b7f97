"""`scheduler timers`: one-off calls that wait for their time, and moving one."""

from argparse import ArgumentParser
from typing import Any

from schedules.errors import InvalidInput
from schedules.management.console import Console, ExitCode
from schedules.management.operator import operator_name
from schedules.management.parser import instant, whole_number
from schedules.management.verbs.one_run import run_named, show_run
from schedules.operations.listing import hosts_of
from schedules.operations.parked import move_run
from schedules.operations.parked_list import page_of_parked, recovery_reports
from schedules.operations.shapes import report_shape, run_shape
from schedules.operations.wording import iso_seconds, relative
from schedules.querysets.clock import database_now

MOST_SHOWN = 1000

HELP = """\
List one-off calls that wait for their time, the next one first, or move one.

TEXT is part of a subject or of a task's name. `scheduler cancel` calls one off.

examples:
  manage.py scheduler timers meetings --limit 5
  manage.py scheduler timers --move 6f0f6a3e-4a63-4c57-9d0c-0d6f0e1c8f4b --to 2027-01-04T08:00:00Z
  manage.py scheduler timers --json | jq '.items[] | .naturalKey, .dueAt'"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("text", nargs="?", default="", metavar="TEXT", help="Only such calls.")
    parser.add_argument("--limit", default="20", metavar="N", help=f"1 to {MOST_SHOWN}.")
    parser.add_argument("--move", metavar="EXECUTION", help="Let it be due at another time.")
    parser.add_argument("--to", metavar="ISO", help="Of --move: when.")
    parser.add_argument("--reason", default="", help="Why; kept in the audit record.")
    parser.add_argument("--json", action="store_true", help="One JSON document instead of text.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Show the calls, or move one."""
    if (options["move"] is None) != (options["to"] is None):
        raise InvalidInput("to", str(options["to"]), "an instant, together with --move")
    if options["move"] is not None:
        moved = move_run(
            run_named(options["move"]),
            at=instant(options["to"], field="to"),
            by=operator_name(),
            source="cli",
            now=database_now(),
            reason=options["reason"],
        )
        return show_run(moved, console)
    limit = whole_number(options["limit"], field="limit", least=1, most=MOST_SHOWN)
    found = page_of_parked(text=options["text"], limit=limit).runs
    hosts = hosts_of(found)
    reports = [report_shape(report) for report in recovery_reports()]
    console.document(
        {"items": [run_shape(one, hosts=hosts) for one in found], "recoveries": reports}
    )
    now = database_now()
    rows = [
        (
            iso_seconds(one.due_at),
            relative(one.due_at, now=now),
            one.natural_key or one.job_key or "-",
            one.task,
            str(one.task_id),
        )
        for one in found
    ]
    if rows:
        console.table(("DUE", "", "SUBJECT", "TASK", "EXECUTION"), rows)
    else:
        console.text("No call waits for its time.")
    for report in reports:
        figures = ", ".join(f"{name} {value}" for name, value in report["figures"].items())
        console.text(f"last {report['jobKey']}: {report['statusName']}; {figures or 'no numbers'}")
    return ExitCode.OK
