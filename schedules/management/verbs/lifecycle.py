"""`scheduler start | shutdown`: the scheduler as a whole, before and after its processes end."""

import time
from argparse import ArgumentParser
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from schedules.management.console import Console, ExitCode
from schedules.management.operator import operator_name
from schedules.management.parser import whole_number
from schedules.operations.lifecycle import (
    ShutDown,
    how_far_shut_down,
    shutdown_scheduler,
    start_scheduler,
)
from schedules.operations.upkeep_shapes import shut_down_shape, started_shape
from schedules.operations.wording import duration
from schedules.querysets.clock import database_now

LOOK_EVERY = timedelta(seconds=0.5)
LONGEST_WAIT = 86_400

START = """\
Put back what is missing of the declared jobs, and end the pause of everything.

What a person deleted, disabled or paused by itself stays so. Processes are not
started: it says where no Beat lives (`./run up`, or `celery beat`).

examples:
  manage.py scheduler start
  manage.py scheduler start --reason "the move is over" --json"""

SHUTDOWN = """\
Plan nothing from now on, and let what is queued or running finish.

Jobs stay as they are; occurrences are recorded as skipped until `scheduler start`, and whatever
else comes due, a call or another try, waits for it.
With --wait it ends once nothing works any more, so that the processes can be ended
without cutting work off: exit code 5 when that took longer than --timeout, 130
after Ctrl-C; in both cases it stays shut down.

examples:
  manage.py scheduler shutdown --wait --reason "database move"
  manage.py scheduler shutdown --json"""


@dataclass(frozen=True, slots=True)
class _Start:
    """`start`, in the form that the command takes its verbs in."""

    HELP: str = START

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        _add_common(parser)

    def run(self, options: dict[str, Any], console: Console) -> ExitCode:
        """Start, and say what was put back."""
        started = start_scheduler(
            by=operator_name(), source="cli", now=database_now(), reason=options["reason"]
        )
        shape = started_shape(started)
        console.document(shape)
        back = [*shape["triggers"], *shape["created"], *shape["updated"]]
        if back:
            console.text(f"Put back: {', '.join(back)}.")
        console.text("Everything goes on." if started.was_paused else "Nothing was shut down.")
        if not started.is_running:
            console.text("No Beat lives, so nothing is planned: start one with ./run up.")
        return ExitCode.OK


@dataclass(frozen=True, slots=True)
class _Shutdown:
    """`shutdown`, in the same form."""

    HELP: str = SHUTDOWN

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--wait", action="store_true", help="Until nothing works any more.")
        parser.add_argument(
            "--timeout", default="120", metavar="SECONDS", help="How long; default 120."
        )
        _add_common(parser)

    def run(self, options: dict[str, Any], console: Console) -> ExitCode:
        """Shut down, and say how far it is."""
        seconds = whole_number(
            options["timeout"], field="timeout", least=1, most=LONGEST_WAIT, unit="seconds"
        )
        now = database_now()
        done = shutdown_scheduler(
            by=operator_name(), source="cli", now=now, reason=options["reason"]
        )
        code = ExitCode.OK
        if options["wait"]:
            done, code = _wait(done, until=now + timedelta(seconds=seconds), console=console)
        console.document(shut_down_shape(done))
        console.text(f"Nothing is planned any more: shut down by {done.pause.by}.")
        console.text(
            "Nothing works any more; the processes can be ended."
            if done.is_done
            else f"{_still(done)}, not ended after {duration(database_now() - now)}."
            if code == ExitCode.TIMED_OUT
            else f"{_still(done)}; --wait waits for their end."
        )
        return code


def _wait(done: ShutDown, *, until: datetime, console: Console) -> tuple[ShutDown, ExitCode]:
    said = ""
    try:
        while not done.is_done:
            if database_now() >= until:
                return done, ExitCode.TIMED_OUT
            if _still(done) != said:
                said = _still(done)
                console.note(f"{said}; waiting.")
            time.sleep(LOOK_EVERY.total_seconds())
            looked = how_far_shut_down(now=database_now())
            if looked is None:
                console.note("Somebody has started it again.")
                return done, ExitCode.PROBLEM
            done = looked
    except KeyboardInterrupt:
        console.note("Not waiting any longer; it stays shut down.")
        return done, ExitCode.INTERRUPTED
    return done, ExitCode.OK


def _still(done: ShutDown) -> str:
    return f"{done.running} running, {done.queued} queued"


def _add_common(parser: ArgumentParser) -> None:
    parser.add_argument("--reason", default="", help="Why; kept in the audit record.")
    parser.add_argument("--json", action="store_true", help="One JSON document instead of text.")


start = _Start()
shutdown = _Shutdown()
