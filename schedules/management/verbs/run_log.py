"""Following a run while it works: its states, its progress and its lines, once or as they come."""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from schedules.management.console import Console, ExitCode
from schedules.models import Run
from schedules.operations.shapes import log_shape
from schedules.states import RunState

LOOK_EVERY = timedelta(milliseconds=500)


def show_log(run: Run, console: Console, *, follow: bool) -> ExitCode:
    """Write the run's log; with `follow` go on until the run has ended.

    Then the exit code says how: 0 if it succeeded.
    """
    watch(run, console, write=console.text, patience=None if follow else timedelta(0))
    console.document(log_shape(run))
    if not run.log:
        console.note("It has written nothing.")
    if follow:
        console.note(f"It {RunState(run.state).label}.")
        return ExitCode.OK if run.state == RunState.SUCCEEDED else ExitCode.PROBLEM
    return ExitCode.OK


def watch(
    run: Run,
    console: Console,
    *,
    write: Callable[[str], None],
    patience: timedelta | None = None,
    show_states: bool = False,
) -> None:
    """Refresh the run until it has ended, or for so long; show what is new of it meanwhile.

    Its lines go to `write`, its progress and, if asked for, its states to stderr.
    """
    give_up = None if patience is None else time.monotonic() + patience.total_seconds()
    shown: list[str] = []
    progress, state = None, None
    while True:
        if show_states and run.state != state and not run.is_final:
            state = run.state
            attempt = f", attempt {run.attempt}" if run.attempt > 1 else ""
            console.note(f"{RunState(state).label}{attempt}")
        lines = run.log.splitlines()
        for line in new_lines(shown, lines):
            write(line)
        shown = lines
        if run.progress and run.progress != progress:
            progress = run.progress
            console.note(f"{progress['done']} of {progress['total'] or '?'}")
        if run.is_final or (give_up is not None and time.monotonic() >= give_up):
            return
        time.sleep(LOOK_EVERY.total_seconds())
        run.refresh_from_db()


def new_lines(shown: Sequence[str], lines: Sequence[str]) -> Sequence[str]:
    """Return those of `lines` that come after what was shown; a long log has lost some between."""
    if not shown or lines[: len(shown)] == shown:
        return lines[len(shown) :]
    for place in range(len(lines) - 1, -1, -1):
        if lines[place] == shown[-1]:
            return lines[place + 1 :]
    return lines
