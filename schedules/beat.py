"""Beat: a scheduler without a memory. Every tick asks the database what is due.

It replaces the loop of django-celery-beat's `DatabaseScheduler` (a subclass only because its admin
asks for one): no schedule is loaded, no heap kept, nothing synchronised back but the counters that
people look at. Any number of Beats may run; they share the work by row locks and need no leader.
"""

import atexit
import gc
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from billiard.process import current_process
from django.db import OperationalError, connection
from django_celery_beat.schedulers import DatabaseScheduler

from schedules import broker
from schedules.alerts.watch import Watcher
from schedules.conf import options
from schedules.dispatch import (
    BrokenRows,
    Outlook,
    absorb_edits,
    end_expired,
    feed_backfills,
    look_ahead,
    plan_due,
    read_invalid_again,
    reap,
    renew_all,
    take_outbox,
)
from schedules.dispatch.publisher import DATABASE_AWAY, Publisher
from schedules.health import is_migrated
from schedules.lease import Lease, adopt
from schedules.models import Run
from schedules.operations.day_totals import add_up_ended
from schedules.operations.outcome_checks.passing import plan_checks
from schedules.operations.start import plan_start_runs
from schedules.operations.stock import refresh_stock_columns
from schedules.operations.switch import end_pauses
from schedules.querysets.clock import database_now
from schedules.querysets.instances import LEASE
from schedules.querysets.keeping import keep_connection
from schedules.states import InstanceKind, InstanceMode

log = logging.getLogger(__name__)

APPS = ("django_celery_beat", "django_celery_results", "schedules")
"""Whose tables Beat needs."""

RETRY_SECONDS = 1.0
SHORTEST_SLEEP = 0.1
"""Seconds between two ticks with work: what falls due in between is one batch and not many."""

LONG_BURST = 10
"""Full batches after which a burst's batches grow, each time by as much as `plan_batch`."""

MOST_TIMES = 4
"""How many times `plan_batch` the largest is."""

LONGEST_WAIT = 0.5
"""Seconds for which a tick lets go out what was planned before, where much of that waits."""

LONGEST_COURTESY = 0.1
"""Seconds for which a tick lets the last of what is due go out, before it does anything else."""


class Chores:
    """What a tick does besides planning, each at its own pace."""

    def __init__(self, *chores: tuple[timedelta, Callable[[Outlook], object]]) -> None:
        self._chores = chores
        self._next = [0.0] * len(chores)

    def do_due(self, seen: Outlook) -> bool:
        """Do each chore whose time has come; return whether one of them found anything to do.

        A failing one is raised.
        """
        found = False
        for index, (pace, chore) in enumerate(self._chores):
            if time.monotonic() >= self._next[index]:
                self._next[index] = time.monotonic() + pace.total_seconds()
                found = bool(chore(seen)) or found
        return found


class Pace:
    """How often Beat ticks and how long a tick takes, from one heartbeat to the next."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._number = 0
        self._longest = 0.0

    def note(self, seconds: float) -> None:
        """Count a tick that took so long."""
        self._number += 1
        self._longest = max(self._longest, seconds)

    def take(self) -> dict[str, Any]:
        """Return what an instance's row says about it, and begin anew."""
        seconds = time.monotonic() - self._since
        said = {
            "tick_rate": round(self._number / seconds, 2) if seconds and self._number else None,
            "longest_tick": timedelta(seconds=self._longest) if self._number else None,
        }
        self._since, self._number, self._longest = time.monotonic(), 0, 0.0
        return said


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """The scheduler class for `CELERY_BEAT_SCHEDULER`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._connected_at: float | None = None
        self._is_start_planned = False
        self._complained = False
        self._is_closed = False
        self._full_batches = 0
        self._publisher: Publisher | None = None
        self._pace = Pace()
        logging.getLogger("celery.beat").addFilter(broker.SAID_ONCE)
        super().__init__(*args, **kwargs)

    # What celery.beat asks of a scheduler.

    def setup_schedule(self) -> None:
        """Begin to live. Called once, and not for the instance that only prints the banner."""
        mode = InstanceMode.EMBEDDED if _is_embedded() else InstanceMode.STANDALONE
        self._lease = Lease(
            InstanceKind.BEAT, f"beat@{socket.gethostname()}/{os.getpid()}", mode=mode
        )
        adopt(self._lease)
        atexit.register(self._leave)
        self._publisher = Publisher()
        self._publisher.start()
        Watcher(database=_kept_connection).start()
        # What is loaded by now stays: nobody has to look through it in the middle of a burst.
        gc.freeze()
        gc.enable()  # `project.beat` begins without
        self._chores = self._make_chores()

    def _make_chores(self) -> Chores:
        broken_rows = BrokenRows()
        return Chores(
            (LEASE / 3, lambda _: self._lease.renew(**self._pace.take())),
            (timedelta(seconds=5), self._repair),
            (timedelta(seconds=0.4), _feed_backfills),
            (timedelta(seconds=3), lambda seen: refresh_stock_columns(now=seen.now)),
            (timedelta(seconds=2), lambda seen: end_pauses(now=seen.now)),
            (timedelta(seconds=1), lambda seen: broken_rows.look_on(now=seen.now)),
            (timedelta(seconds=10), lambda seen: read_invalid_again(now=seen.now)),
            (timedelta(seconds=5), lambda seen: add_up_ended(now=seen.now)),
            (timedelta(seconds=5), lambda seen: plan_checks(now=seen.now)),
        )

    @property
    def schedule(self) -> Mapping[str, Any]:
        """Nothing is held in memory, so there is nothing to show."""
        return {}

    @schedule.setter
    def schedule(self, value: object) -> None:
        """Celery's base class assigns; there is nowhere to keep it."""

    def tick(self, *_: Any, **__: Any) -> float:
        """Do what is due and return how many seconds to sleep. Raises nothing else than SystemExit,
        once it is closed: that ends the process.
        """
        if self._is_closed:
            # The signal handler's own was raised where Python drops it, as in a destructor.
            raise SystemExit
        try:
            keep_connection()
            # Our first question is the check (`_look_ahead`).
            setattr(connection, "health_check_done", True)  # noqa: B010 - the stubs do not know it
            return self._timed_tick()
        except DATABASE_AWAY as error:
            self._lost_database(error)
        except Exception:
            log.exception(
                "A tick failed; the next one tries again.", extra={"action": "tick_failed"}
            )
        return RETRY_SECONDS

    def should_sync(self) -> bool:
        """Never: nothing is held back."""
        return False

    def sync(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Note that the process is to end: called from its signal handler, and once more after
        that.
        """
        self._is_closed = True

    def _leave(self) -> None:
        """Say that this Beat was ended, so that nobody takes it for dead.

        On a connection of its own, since the signal may have come in the middle of a statement;
        where nobody answers, the end does not wait.
        """
        telling = threading.Thread(target=self._tell_end, daemon=True)
        telling.start()
        telling.join(timeout=5)

    def _tell_end(self) -> None:
        try:
            self._lease.give_back()
        except DATABASE_AWAY as error:
            log.warning("The end of %s could not be noted: %s", self._lease.name, error)
        finally:
            connection.close()

    @property
    def info(self) -> str:
        """The line of the start-up banner."""
        return "    . timetable -> the database's, read at every tick"

    def _timed_tick(self) -> float:
        begun = time.monotonic()
        pause = self._tick()
        self._pace.note(time.monotonic() - begun)
        return pause

    def _tick(self) -> float:
        if self._connected_at is None:
            self._found_database()
        assert self._publisher is not None
        # Without it the rows are written all the same, and the outbox has them once there is room.
        has_room = self._publisher.has_room(LONGEST_WAIT)
        begun = time.monotonic()
        seen = self._look_ahead()
        edits = 0
        if seen.has_edits:
            edits = absorb_edits(now=seen.now)
            begun, seen = time.monotonic(), look_ahead()
        backlog = self._publisher.backlog or broker.EMPTY
        runs, most = [], self._most_at_once()
        if seen.has_due:
            runs = plan_due(now=seen.now, backlog=backlog, for_outbox=not has_room, most=most)
            self._publisher.hand_over(runs)
        self._full_batches = self._full_batches + 1 if len(runs) >= most else 0
        is_last = 0 < len(runs) < most  # of a burst: after the others we look again
        if is_last:
            self._publisher.go_first(LONGEST_COURTESY)
        started = self._plan_start(seen)
        waiting = self._waiting(seen.now) if has_room and (seen.has_outbox or is_last) else []
        self._publisher.hand_over(waiting)
        found = self._chores.do_due(seen)
        if self._full_batches or max(edits, len(waiting)) >= options().plan_batch:
            return 0.0
        if found or started or runs or waiting:
            begun, seen = time.monotonic(), look_ahead()
        pause = min(seen.next_in, options().longest_sleep).total_seconds()
        return max(begun + pause - time.monotonic(), SHORTEST_SLEEP)

    def _most_at_once(self) -> int:
        """Return how many jobs are planned in one transaction.

        The first batches of a burst are to be with the broker soon, and to be shared evenly among
        Beats. While it lasts they grow, up to fourfold: a wait for the disk then stands for more.
        """
        return options().plan_batch * min(MOST_TIMES, 1 + self._full_batches // LONG_BURST)

    def _plan_start(self, seen: Outlook) -> int:
        """Plan what a start brings with it, once what was due is on its way; return how many."""
        if self._is_start_planned:
            return 0
        planned = plan_start_runs(now=seen.now)
        self._is_start_planned = True
        return planned

    def _look_ahead(self) -> Outlook:
        """Look what there is to do; over another connection where this one broke meanwhile.

        An answer that took long counts as an outage: workers may not have been heard either.
        """
        begun = time.monotonic()
        try:
            seen = look_ahead()
        except DATABASE_AWAY:
            connection.close()
            seen = look_ahead()
        else:
            if time.monotonic() - begun < LEASE.total_seconds() / 3:
                return seen
        self._connected_at = time.monotonic()
        return seen

    def _waiting(self, now: datetime) -> list[Run]:
        """Return what the outbox has for the broker; nothing before the broker was looked at."""
        assert self._publisher is not None
        backlog = self._publisher.backlog
        if backlog is None:
            return []  # a guess would put off for long what a dead worker had taken
        return take_outbox(now=now, limit=options().plan_batch, backlog=backlog)

    def _repair(self, seen: Outlook) -> int:
        repaired = end_expired(now=seen.now)
        # After our own outage every lease looks expired; whoever lives has renewed it one lease
        # later.
        if (
            self._connected_at is not None
            and time.monotonic() - self._connected_at > LEASE.total_seconds()
        ):
            # By the present instant: seen with an old one, who has just renewed would look as if
            # the clock had been put back.
            repaired += reap(now=database_now())
        return repaired

    # The database comes and goes.

    def _found_database(self) -> None:
        if not is_migrated(*APPS):  # half of the tables would do for a while, and then not
            raise OperationalError("its migrations are not all applied")
        # Before anything fires: this process may have other zone data than the last.
        renew_all(now=database_now())
        self._connected_at = time.monotonic()
        if self._complained:
            log.warning("The database is back.")
        self._complained = False

    def _lost_database(self, error: Exception) -> None:
        connection.close()
        self._connected_at = None
        self._is_start_planned = False
        if not self._complained:
            log.warning("The database is away or not migrated; waiting for it: %s", error)
        self._complained = True


@contextmanager
def _kept_connection() -> Iterator[None]:
    """The way of a thread of ours to the database: Beat forks nothing, so it need not be closed."""
    keep_connection()
    yield


def _feed_backfills(seen: Outlook) -> int:
    return feed_backfills(now=seen.now) if seen.has_backfills else 0


def _is_embedded() -> bool:
    return bool(current_process().name != "MainProcess")
