"""`scheduler trigger`: run a job now, beside its timetable."""

import time
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from schedules.management.console import Console, ExitCode
from schedules.management.operator import operator_name
from schedules.management.parser import job_named, json_object, whole_number
from schedules.models import Run
from schedules.operations.listing import hosts_of
from schedules.operations.shapes import run_shape
from schedules.operations.trigger import trigger
from schedules.operations.wording import duration
from schedules.querysets.clock import database_now
from schedules.states import RunState

LOOK_EVERY = timedelta(milliseconds=250)
LONGEST_WAIT = 86_400

HELP = """\
Run a job now; its timetable does not change.

Without --wait it ends as soon as the run is planned. With --wait it follows the
run to its end: exit code 0 when it succeeded, 1 when it did not, 5 when it had
not ended within --timeout (it goes on). A disabled job is refused (exit code 4)
unless --even-if-disabled.

examples:
  manage.py scheduler trigger end_of_day --reason "figures were corrected"
  manage.py scheduler trigger end_of_day --wait --timeout 120 --json"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("job", metavar="JOB", help="Key or number of the job.")
    parser.add_argument("--wait", action="store_true", help="Wait until the run has ended.")
    parser.add_argument(
        "--timeout", default="60", metavar="SECONDS", help="How long --wait waits; default 60."
    )
    parser.add_argument("--reason", default="", help="Why; kept in the audit record.")
    parser.add_argument("--kwargs", metavar="JSON", help="Arguments that replace the job's own.")
    parser.add_argument("--even-if-disabled", action="store_true", help="Also a disabled job.")
    parser.add_argument(
        "--idempotency-key", metavar="KEY", help="A second call with it plans nothing new."
    )
    parser.add_argument("--json", action="store_true", help="The run as one JSON document.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Plan the run; with --wait, follow it."""
    patience = timedelta(
        seconds=whole_number(
            options["timeout"], field="timeout", least=1, most=LONGEST_WAIT, unit="seconds"
        )
    )
    kwargs = json_object(options["kwargs"], field="kwargs") if options["kwargs"] else None
    planned = trigger(
        job_named(options["job"]),
        now=database_now(),
        by=operator_name(),
        source="cli",
        reason=options["reason"],
        even_if_disabled=options["even_if_disabled"],
        kwargs=kwargs,
        idempotency_key=options["idempotency_key"],
    )
    if not options["wait"]:
        console.document(run_shape(planned, hosts=hosts_of([planned])))
        console.text(f"Planned as {planned.task_id}.")
        return ExitCode.OK
    console.note(f"Planned as {planned.task_id}; waiting.")
    ended = _follow(planned, patience)
    console.document(run_shape(ended, hosts=hosts_of([ended])))
    if not ended.is_final:
        console.text(f"Still {ended.state} after {duration(patience)}; it goes on.")
        return ExitCode.TIMED_OUT
    remark = ended.error or ended.reason or ended.summary
    console.text(f"{ended.state}{f': {remark}' if remark else ''}")
    return ExitCode.OK if ended.state == RunState.SUCCEEDED else ExitCode.PROBLEM


def _follow(planned: Run, patience: timedelta) -> Run:
    """Return the run once it is final, or as it is when the patience ends."""
    give_up = time.monotonic() + patience.total_seconds()
    while not planned.is_final and time.monotonic() < give_up:
        time.sleep(LOOK_EVERY.total_seconds())
        planned.refresh_from_db()
    return planned
