"""Being alive: the instance row of this process and the heartbeat that renews its lease."""

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from mmap import mmap
from struct import Struct
from time import CLOCK_BOOTTIME, clock_gettime
from typing import Any
from uuid import UUID, uuid4

from django.db import DatabaseError, Error, connection, transaction

from schedules.models import Instance
from schedules.querysets.clock import database_now
from schedules.querysets.instances import LEASE
from schedules.querysets.statements import do_not_wait_for_the_disk
from schedules.states import InstanceKind, InstanceMode, InstanceStatus

log = logging.getLogger(__name__)

_INSTANT = Struct("d")
"""Seconds since the machine's start, which go on while it sleeps and are the same in each process.
"""

_quiet = threading.Lock()
"""Held while the lease's thread speaks to the database, and over every fork.

SQLite keeps in memory which locks this process holds. A child that is forked while a connection of
ours writes inherits the note and never the release: it would wait for that lock all its life.
"""

os.register_at_fork(
    before=_quiet.acquire, after_in_parent=_quiet.release, after_in_child=_quiet.release
)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Speak to the database from a thread of a process that forks; ends with the connection closed.

    Keep it short: no child is forked meanwhile.
    """
    with _quiet:
        try:
            yield
        finally:
            connection.close()


class Lease:
    """One Beat's or worker's place among the instances.

    The id is chosen before any child is forked, so that the children claim in their parent's name.
    """

    def __init__(
        self,
        kind: InstanceKind,
        name: str,
        *,
        mode: InstanceMode = InstanceMode.STANDALONE,
        with_each: Callable[[], object] | None = None,
    ) -> None:
        """Take a new id. `with_each` is called after each renewal of the thread, at the same quiet
        moment.
        """
        self.id = uuid4()
        self.kind = kind
        self.name = name
        self.mode = mode
        self._with_each = with_each or (lambda: None)
        # Shared with the children that are forked later.
        self._renewed = mmap(-1, _INSTANT.size)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def renew(self, status: InstanceStatus = InstanceStatus.RUNNING, **facts: Any) -> None:
        """Write the heartbeat, and the row where it is not there yet. Raises DatabaseError.

        `facts` are other columns of the row that change with it.
        """
        begun = clock_gettime(CLOCK_BOOTTIME)
        now = database_now()
        changes = {"heartbeat_at": now, "status": status, **facts}
        with transaction.atomic():
            # Whoever finds an older heartbeat after a crash of the database waits for a new one.
            do_not_wait_for_the_disk(connection)
            renewed = Instance.objects.filter(pk=self.id).update(**changes)
        if not renewed:
            Instance.objects.create(
                id=self.id,
                kind=self.kind,
                name=self.name,
                host=socket.gethostname(),
                pid=os.getpid(),
                mode=self.mode,
                started_at=now,
                **changes,
            )
        _INSTANT.pack_into(self._renewed, 0, begun)

    def age(self) -> timedelta | None:
        """Return how long ago the last renewal began; None if there was none."""
        (renewed,) = _INSTANT.unpack_from(self._renewed, 0)
        return timedelta(seconds=clock_gettime(CLOCK_BOOTTIME) - renewed) if renewed else None

    def start(self) -> None:
        """Renew from a thread of its own: neither a long task nor a silent broker may end the
        lease.
        """
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop renewing and say so, unless the database is away. Safe to call twice."""
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=5)

    def give_back(self) -> None:
        """Mark the instance as stopped, so that what it still owned is taken back at once."""
        now = database_now()
        Instance.objects.filter(pk=self.id).update(status=InstanceStatus.STOPPED, stopped_at=now)

    def _beat(self) -> None:
        was_away = False
        try:
            while not self._stopping.is_set():
                try:
                    self._renew_quietly()
                    was_away = False
                except Error as error:
                    if not was_away:
                        log.warning("The lease cannot be renewed: %s", error)
                    was_away = True
                self._stopping.wait(1 if was_away else LEASE.total_seconds() / 3)
        finally:
            self._say_stopped()

    def _renew_quietly(self) -> None:
        with undisturbed():
            self.renew()
            try:
                self._with_each()
            except Error:
                raise
            except Exception:
                log.exception("What goes with the lease of %s failed.", self.name)

    def _say_stopped(self) -> None:
        with undisturbed():
            try:
                self.give_back()
            except DatabaseError as error:
                log.warning("The end of %s could not be noted: %s", self.name, error)


_mine: Lease | None = None


def adopt(lease: Lease) -> None:
    """Make `lease` this process's own, and that of the children it will fork."""
    global _mine
    _mine = lease


def present_lease() -> Lease | None:
    """Return this process's lease, which in a worker's child is its parent's; None without one."""
    return _mine


def instance_id() -> UUID:
    """Return the id under which this process claims and decides.

    A process without a lease (a shell, a test, the web) gets one that nobody renews.
    """
    if _mine is None:
        adopt(Lease(InstanceKind.WORKER, f"{socket.gethostname()}:{os.getpid()}"))
    assert _mine is not None
    return _mine.id


def end() -> None:
    """End this process's lease, if it has one. Safe to call twice."""
    if _mine is not None:
        _mine.stop()
