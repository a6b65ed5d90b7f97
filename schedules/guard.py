"""The guard of exclusive runs: a body is ended by its own worker before another one may begin.

Others take a worker's runs back when its lease has run out. Its children see in shared memory when
the lease was last renewed, so they need neither the database nor their parent to know that it is
about to.
"""

import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread

from schedules.lease import Lease, present_lease
from schedules.querysets.instances import LEASE

log = logging.getLogger(__name__)

STOPS_AFTER = LEASE * 4 / 5
"""Without a renewal for so long a body is ended, well before the lease is over for others."""

LOOKS_EVERY = timedelta(seconds=1)


@contextmanager
def exclusively() -> Iterator[None]:
    """Watch this worker's lease while the body runs; when it cannot be renewed, kill this process.

    A process whose lease nobody renews (a shell, a test) is not watched.
    """
    lease = present_lease()
    if lease is None or lease.age() is None:
        yield
        return
    done = Event()
    watch = Thread(target=_watch, args=(lease, done, _end_process), name="guard", daemon=True)
    watch.start()
    try:
        yield
    finally:
        done.set()


def _watch(lease: Lease, done: Event, end: Callable[[], None]) -> None:
    while not done.wait(LOOKS_EVERY.total_seconds()):
        age = lease.age()
        if age is not None and age > STOPS_AFTER:
            log.critical(
                "The lease was not renewed for %.0f s: this process ends, and its exclusive run"
                " with it, before another worker takes it.",
                age.total_seconds(),
                extra={"action": "exclusive_ended"},
            )
            return end()
    return None


def _end_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)  # nothing of the body may go on, not even its clean-up
