"""What `scheduler run --log` and `--follow` write: a run's lines, once or as they come."""

import time
from collections.abc import Sequence
from datetime import timedelta

from schedules.management.console import Console, ExitCode
from schedules.models import Run
from schedules.operations.shapes import log_shape
from schedules.states import RunState

LOOK_EVERY = timedelta(seconds=1)


def show_log(run: Run, console: Console, *, follow: bool) -> ExitCode:
    """Write the run's log; with `follow` go on until the run has ended.

    Then the exit code says how: 0 if it succeeded.
    """
    shown: list[str] = []
    progress = None
    while True:
        lines = run.log.splitlines()
        for line in new_lines(shown, lines):
            console.text(line)
        shown = lines
        if run.progress and run.progress != progress:
            progress = run.progress
            console.note(f"{progress['done']} of {progress['total'] or '?'}")
        if not follow or run.is_final:
            break
        time.sleep(LOOK_EVERY.total_seconds())
        run.refresh_from_db()
    console.document(log_shape(run))
    if not lines:
        console.note("It has written nothing.")
    if follow:
        console.note(f"It {RunState(run.state).label}.")
        return ExitCode.OK if run.state == RunState.SUCCEEDED else ExitCode.PROBLEM
    return ExitCode.OK


def new_lines(shown: Sequence[str], lines: Sequence[str]) -> Sequence[str]:
    """Return those of `lines` that come after what was shown; a long log has lost some between."""
    if not shown or lines[: len(shown)] == shown:
        return lines[len(shown) :]
    for place in range(len(lines) - 1, -1, -1):
        if lines[place] == shown[-1]:
            return lines[place + 1 :]
    return lines
