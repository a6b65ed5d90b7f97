"""Timers: one-off runs that follow a field of somebody's rows.

A row that fits a timer's condition has exactly one waiting run, due at the instant in one of its
fields; any other row has none. Every way to write the rows through Django keeps that in the same
transaction. What comes another way - raw SQL, a restored backup - `Timer.reconcile` puts right.
"""

from schedules.timers.adoption import timer_of
from schedules.timers.declaration import Timer
from schedules.timers.reconcile import Reconciled

__all__ = ["Reconciled", "Timer", "timer_of"]
