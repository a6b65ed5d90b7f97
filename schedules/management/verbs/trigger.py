"""`scheduler trigger`: run a job now, beside its timetable."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from schedules.management.console import Console, ExitCode
from schedules.management.operator import operator_name
from schedules.management.parser import job_named, json_object, whole_number
from schedules.management.verbs.run_log import watch
from schedules.models import Run
from schedules.operations.listing import hosts_of
from schedules.operations.shapes import run_shape
from schedules.operations.trigger import trigger
from schedules.operations.wording import duration
from schedules.querysets.clock import database_now
from schedules.states import RunState

LONGEST_WAIT = 86_400

HELP = """\
Run a job now; its timetable does not change.

Without --wait it ends as soon as the run is planned. With --wait it follows the
run to its end, with its states, progress and lines on stderr: exit code 0 when it
succeeded, 1 when it did not, 5 when it had not ended within --timeout, 130 after
Ctrl-C; in both cases it goes on, and `scheduler cancel` ends it. A disabled job is
refused (exit code 4) unless --even-if-disabled.

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
    code = _wait(planned, patience, console)
    console.document(run_shape(planned, hosts=hosts_of([planned])))
    return code


def _wait(run: Run, patience: timedelta, console: Console) -> ExitCode:
    """Follow the run to its end, or until the patience ends or somebody presses Ctrl-C."""
    try:
        watch(run, console, write=console.note, patience=patience, show_states=True)
    except KeyboardInterrupt:
        console.note(f"Not waiting any longer; {run.task_id} goes on.")
        return ExitCode.INTERRUPTED
    if not run.is_final:
        console.text(f"Still {run.state} after {duration(patience)}; it goes on.")
        return ExitCode.TIMED_OUT
    remark = run.error or run.reason or run.summary
    console.text(f"{run.state}{f': {remark}' if remark else ''}")
    return ExitCode.OK if run.state == RunState.SUCCEEDED else ExitCode.PROBLEM
