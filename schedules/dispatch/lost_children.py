"""Runs of this worker whose child is gone and whose end nobody wrote."""

import os

from schedules.dispatch.broken import load
from schedules.dispatch.publish import by_outbox
from schedules.dispatch.repair import take_back
from schedules.lease import instance_id
from schedules.models import Run
from schedules.querysets.clock import database_now


class LostChildren:
    """Takes back what dead children of this worker own, as the reaper does for dead workers.

    Celery reports the death of a child once, and not at all where the database is away just then,
    or where the child died before its word that it had begun was read. Since this worker lives and
    renews its lease, nobody else may touch such a run.
    """

    def __init__(self) -> None:
        self._seen: frozenset[tuple[int, int]] = frozenset()

    def take_back(self) -> int:
        """Lose the attempts whose process was gone at the last look and is gone now; return how
        many. Raises DatabaseError.

        What follows is left to the outbox: this is done while no child can be forked, and the
        broker may be silent.

        Not at the first look: Celery's own report comes within ten seconds and says more, such as
        the signal or the time limit.
        """
        now = database_now()
        mine = Run.objects.running().filter(instance_id=instance_id()).exclude(pid=os.getpid())
        gone = {(run.pk, run.attempt): run for run in load(mine, now=now) if not _lives(run.pid)}
        lost = 0
        for key in self._seen & gone.keys():
            run = gone[key]
            with by_outbox():
                lost += take_back(run, reason=f"its process {run.pid} ended without a word")
        self._seen = frozenset(gone)
        return lost


def _lives(pid: int | None) -> bool:
    """Whether there is such a process; also a later one that was given the same number."""
    if pid is None:
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True  # somebody else's by now
    except ProcessLookupError:
        return False
    return True
