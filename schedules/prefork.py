"""The pool of a worker whose children may end a run together with the claim of the next one.

The app chooses it (`worker_pool`); Celery imports it in workers only, before Django is set up, so
what needs the models is imported by the children.
"""

import select
from collections.abc import Callable
from time import monotonic
from typing import Any

from celery.concurrency import asynpool, prefork

from schedules.registry import find

MOMENT_MS = 5
"""How long an end waits for the next claim. The main process hands on the next task as soon as it
has read that the child is free: in less than one where there is a processor for it, in a few where
it has to wait for its turn. Nobody waits longer for an outcome.
"""


class Child(asynpool.Worker):
    """Waits for its next task with an end held back, and writes it when none comes at once."""

    inq: Any
    wait_for_job: Callable[[], Any]

    def on_loop_start(self, pid: int) -> None:
        """Begin to hold ends back: whatever may end this loop writes them from now on."""
        super().on_loop_start(pid)
        self.wait_for_job = self._settling(self.wait_for_job)

    def _settling(self, receive: Callable[[], Any]) -> Callable[[], Any]:
        from schedules.finish import held

        arrivals = select.poll()
        arrivals.register(self.inq._reader.fileno(), select.POLLIN)

        def wait() -> Any:
            began = monotonic()
            if held.is_held() and not arrivals.poll(MOMENT_MS):
                held.settle()
            message = receive()
            # Only where tasks follow one another is another one to be expected.
            held.expect_claims((monotonic() - began) * 1000 < MOMENT_MS)
            if message is not None and held.is_held() and not _claims(message):
                held.settle()
            return message

        return wait

    def _ensure_messages_consumed(self, completed: int) -> Any:
        """Called on every way out of the loop."""
        from schedules.finish import held

        held.expect_claims(False)
        held.settle_at_last()
        return super()._ensure_messages_consumed(completed)  # type: ignore[misc]


def _claims(message: Any) -> bool:
    """Whether the pool's message is a task of ours, whose execution begins with a claim."""
    _, (_, _, _, args, _) = message
    return bool(args) and find(args[0]) is not None


class Pool(asynpool.AsynPool):
    """Celery's own with our children; one that comes back is handed the next task at once.

    Celery first enters the end of its last task in all books, and then goes once more round its
    loop: time in which the child had nothing to do.
    """

    Worker = Child
    outbound_buffer: Any
    on_poll_start: Callable[[], None]
    _fileno_to_inq: Any
    _hand_on: Callable[[list[int]], None]

    def _create_write_handlers(self, hub: Any, **options: Any) -> None:
        super()._create_write_handlers(hub, **options)  # type: ignore[misc]
        self._hand_on = hub.consolidate_callback
        self.on_poll_start = _only_if_it_can_matter(self, self.on_poll_start)

    def on_job_ready(self, job: int, i: int, obj: Any, inqW_fd: int) -> None:  # noqa: N803
        """Called with what a child has sent at the end of a task, before anything is done with it:
        of a child that is gone too, whose last words are read.
        """
        super().on_job_ready(job, i, obj, inqW_fd)
        child = self._fileno_to_inq.get(inqW_fd)
        if self.outbound_buffer and child is not None and child._is_alive():
            self._hand_on([inqW_fd])


def _only_if_it_can_matter(pool: Any, offer: Callable[[], None]) -> Callable[[], None]:
    """Celery has the system call it for each child that can take a task, or takes it off that list
    again, at each round of its loop; do so only if there is one to hand out, or was at the last.
    """
    offered = True

    def on_poll_start() -> None:
        nonlocal offered
        offers = bool(pool.outbound_buffer) and len(pool._busy_workers) < len(pool._all_inqueues)
        if offers or offered:
            offer()
        offered = offers

    return on_poll_start


class TaskPool(prefork.TaskPool):
    """Celery's own where the broker's transport has an event loop, with our children."""

    Pool = Pool

    def on_start(self) -> None:
        """Fork the children. What they need for calls of their own, they have from here."""
        from schedules.registry import argument_models  # noqa: F401 - brings pydantic

        super().on_start()
