"""`scheduler missed`: what did not run when it should, running it after all, letting it be."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from schedules.errors import InvalidInput
from schedules.management.console import Console, ExitCode
from schedules.management.operator import operator_name
from schedules.management.parser import instant
from schedules.management.verbs.one_run import run_named, show_run
from schedules.operations.attention import concerns, overdue_runs
from schedules.operations.conditions import Condition
from schedules.operations.finding import Wanted, find_runs
from schedules.operations.listing import hosts_of
from schedules.operations.missed import dismiss_run, run_after_all
from schedules.operations.shapes import concern_shape, run_shape
from schedules.operations.wording import iso_seconds
from schedules.querysets.clock import database_now
from schedules.states import RunState

LOOKED_BACK = timedelta(days=30)
MOST_SHOWN = 100

HELP = """\
List what is late and what was missed in 30 days, or deal with one run.

A missed run was found too late to begin. --run runs its job once for that
nominal time; of a row that stands for many occurrences it is the last one,
unless --at names another. --dismiss notes that nothing has to be done.

examples:
  manage.py scheduler missed
  manage.py scheduler missed --run 6f0f6a3e-4a63-4c57-9d0c-0d6f0e1c8f4b
  manage.py scheduler missed --dismiss 6f0f6a3e-4a63-4c57-9d0c-0d6f0e1c8f4b --reason "a holiday\""""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    verbs = parser.add_mutually_exclusive_group()
    verbs.add_argument("--run", metavar="EXECUTION", help="Run it for its time after all.")
    verbs.add_argument("--dismiss", metavar="EXECUTION", help="Note that it needs nothing more.")
    parser.add_argument("--at", metavar="ISO", help="Of --run: which of many occurrences.")
    parser.add_argument("--reason", default="", help="Why; --dismiss needs it.")
    parser.add_argument("--json", action="store_true", help="One JSON document instead of text.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Show what was missed, or deal with one run."""
    who: dict[str, Any] = {
        "by": operator_name(),
        "source": "cli",
        "now": database_now(),
        "reason": options["reason"],
    }
    if options["at"] is not None and not options["run"]:
        raise InvalidInput("at", options["at"], "nothing without --run")
    if options["run"]:
        at = None if options["at"] is None else instant(options["at"], field="at")
        return show_run(run_after_all(run_named(options["run"]), at=at, **who), console)
    if options["dismiss"]:
        found = run_named(options["dismiss"])
        dismiss_run(found, **who)
        return show_run(found, console)
    return _show(console)


def _show(console: Console) -> ExitCode:
    now = database_now()
    wanted = Wanted(states=(RunState.MISSED,), since=now - LOOKED_BACK, is_dismissed=False)
    missed = find_runs(wanted, limit=MOST_SHOWN).runs
    overdue = overdue_runs(now=now)
    late = [each for each in concerns(now=now) if each.condition is Condition.LATE]
    hosts = hosts_of([*missed, *overdue])
    console.document(
        {
            "late": [concern_shape(each) for each in late],
            "overdue": [run_shape(one, hosts=hosts) for one in overdue],
            "items": [run_shape(one, hosts=hosts) for one in missed],
        }
    )
    rows = [
        *(("late", each.job.key, _at(each.since), "no Beat has planned it", "") for each in late),
        *(
            ("overdue", one.job_key or one.task, _at(one.due_at), "waits for a worker", one.task_id)
            for one in overdue
        ),
        *(
            ("missed", one.job_key or one.task, _at(one.scheduled_at), one.reason[:60], one.task_id)
            for one in missed
        ),
    ]
    if rows:
        titles = ("", "WHAT", "TIME", "WHY", "EXECUTION")
        console.table(titles, [[str(cell) for cell in row] for row in rows])
    else:
        console.text("Nothing is late, and nothing was missed that nobody has dealt with.")
    return ExitCode.OK


def _at(at: Any) -> str:
    return "-" if at is None else iso_seconds(at)
