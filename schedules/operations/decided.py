"""Runs that a row of somebody's decides: changing the run alone would last until the next look."""

from schedules.errors import Refused
from schedules.models import Run
from schedules.states import FINAL
from schedules.timers import timer_of


class DecidedByRow(Refused):
    """A row asks for the run at an instant of its own."""


def check_undecided(run: Run) -> None:
    """Raise DecidedByRow for a run without an outcome that a timer's row asks for."""
    timer = None if run.state in FINAL or not run.natural_key else timer_of(run.task)
    row = None if timer is None else timer.row_of(run)
    if timer is not None and row is not None:
        name = row._meta.verbose_name
        raise DecidedByRow(
            f"Run {run.task_id} follows the {timer.at} of {name} {row.pk}:"
            f" change the {name} instead."
        )
