"""Shutting the scheduler down and starting it again, as a whole, however many processes it is.

Processes belong to whoever keeps them alive (`./run up`, systemd, containers), so neither is ended
or made here: shut down, they may be ended at any moment without cutting work off.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from schedules.access import Source
from schedules.halts import let_through
from schedules.models import GlobalPause, Run
from schedules.operations.doctor import Recovery, recover
from schedules.operations.status import scheduler_status
from schedules.operations.switch import current_pause, pause_all, resume_all
from schedules.querysets.clock import database_now

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

CLAIMS_ARE_SEEN_WITHIN = timedelta(seconds=2)
"""After a pause began. A claim is one statement; one that began before the pause was committed
knows nothing of it, and nobody sees what it takes before it has ended.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What a start did."""

    was_paused: bool
    recovery: Recovery
    is_running: bool
    """Whether a Beat lives; without one nothing is planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutDown:
    """The pause that is in force, and how many runs are still to end before nothing works."""

    pause: GlobalPause
    running: int
    queued: int

    @property
    def is_done(self) -> bool:
        """Whether the processes can be ended without cutting work off."""
        return not self.running and not self.queued


@transaction.atomic
def start_scheduler(
    *, by: "AbstractBaseUser | AnonymousUser | str", source: Source, now: datetime, reason: str = ""
) -> Started:
    """Put back what is missing of the declared jobs, and end the pause of everything.

    Safe to repeat. What a person deleted, disabled or paused by itself stays so.
    """
    recovery = recover(now=now, by=by, source=source)
    was_paused = resume_all(by=by, source=source, now=now, reason=reason, action="start")
    is_running = scheduler_status(now=now).is_running
    return Started(was_paused=was_paused, recovery=recovery, is_running=is_running)


def shutdown_scheduler(
    *, by: "AbstractBaseUser | AnonymousUser | str", source: Source, now: datetime, reason: str = ""
) -> ShutDown:
    """Plan nothing from now on, and let what is queued or running finish; jobs stay as they are.

    Occurrences become skipped rows with the reason until `start_scheduler`, and whatever else comes
    due, a call or another try, waits for it. A pause that is in force already stays the one that it
    is.
    """
    # Looked at once the pause has committed: up to then a worker may take what comes due.
    pause = pause_all(by=by, source=source, now=now, reason=reason, drain=True, action="shutdown")
    return _how_far(pause, now=database_now())


def how_far_shut_down(*, now: datetime) -> ShutDown | None:
    """Return what still works or waits to; None where nothing is shut down or paused (any more)."""
    pause = current_pause()
    return None if pause is None else _how_far(pause, now=now)


def _how_far(pause: GlobalPause, *, now: datetime) -> ShutDown:
    # First what waits: what a worker takes in between is then counted twice, and not missed.
    queued = Run.objects.waiting().filter(due_at__lte=now)
    if now >= pause.started_at + CLAIMS_ARE_SEEN_WITHIN:
        queued = let_through(queued)  # before, also what is held back may just have been taken
    queued_now = queued.count()
    return ShutDown(pause=pause, running=Run.objects.running().count(), queued=queued_now)
