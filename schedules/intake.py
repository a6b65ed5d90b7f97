"""How many messages a worker takes: what it can begin, and more only behind runs that are short.

A message is acknowledged when a process of the pool begins with it, so by Celery's count a worker
takes as many more as it has processes. They wait there while all of these are at long runs, also
where another worker has a process free.
"""

import time
from collections.abc import Callable, Iterable
from functools import partial, wraps
from typing import Any

from celery import bootsteps
from celery.worker import state
from celery.worker.request import Request

SHORT = 0.05
"""Seconds. What a message may wait behind in a worker that has taken it.

Celery's own switch, `worker_disable_prefetch`, allows nothing: between two runs of a millisecond
each process then waits for the broker to answer, and the worker takes one message at a time.
"""

FADES = 0.9
"""What a longest run counts after each later one: thirty-five short ones outweigh two seconds."""

_longest: dict[str, float] = {}
"""Seconds that runs took lately, by task: seen by this worker's main process."""


class TimedRequest(Request):
    """A message that a worker has taken; how long its run took is remembered for the next ones."""

    def __init_subclass__(cls, **options: Any) -> None:
        # Celery makes a class for each task, and in it a faster `on_success` that calls no other.
        super().__init_subclass__(**options)
        cls.on_success = _remembering(cls.on_success)  # type: ignore[method-assign]


def _remembering(on_success: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(on_success)
    def ended(request: Any, outcome: Any, **options: Any) -> Any:
        _, _, seconds = outcome
        if seconds is None:  # it is told of successes only
            now = time.time()
            seconds = now - (request.time_start or now)
        remember(request.name, seconds=seconds)
        return on_success(request, outcome, **options)

    return ended


def remember(name: str, *, seconds: float) -> None:
    """Take note that a run of this task took so long, however it ended."""
    _longest[name] = max(seconds, FADES * _longest.get(name, 0.0))


def has_room(*, taken: int, processes: int, executing: Iterable[tuple[str, float]]) -> bool:
    """Whether one more message would be begun at once, or soon.

    `taken` counts what waits and what executes; `executing` gives the task's name and the seconds
    since the start of each run. A process that will be free soon counts twice.
    """
    if taken < processes:
        return True
    soon = sum(seconds < SHORT and _longest.get(name, SHORT) < SHORT for name, seconds in executing)
    return taken < processes + soon


class Intake(bootsteps.StartStopStep):
    """Holds a worker back from the broker, where the transport asks before it takes a message.

    RabbitMQ's does not: the server sends what the prefetch count allows.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, consumer: Any) -> None:
        """Begin to be asked; again after each loss of the connection."""
        quality = getattr(consumer.task_consumer.channel, "qos", None)
        if quality is not None:
            quality.can_consume = partial(_may_take, consumer, quality.can_consume)


def _may_take(consumer: Any, within_count: Callable[[], bool]) -> bool:
    # A pool that grows by itself does so for what its worker has taken.
    processes = getattr(consumer.controller, "max_concurrency", None)
    now = time.time()
    return (
        has_room(
            taken=len(state.reserved_requests),
            processes=processes or consumer.pool.num_processes,
            executing=(
                (request.name, now - (request.time_start or now))
                for request in state.active_requests
            ),
        )
        and within_count()
    )
