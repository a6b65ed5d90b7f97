"""How many messages a worker takes: what it can begin, and more only behind runs that are short.

A message is acknowledged when a process of the pool begins with it, so by Celery's count a worker
takes as many more as it has processes. They wait there while all of these are at long runs, also
where another worker has a process free.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial, wraps
from typing import Any

from celery import bootsteps
from celery.worker import state
from celery.worker.request import Request
from kombu.transport import redis

log = logging.getLogger(__name__)

SHORT = 0.05
"""Seconds. What a message may wait behind in a worker that has taken it.

Celery's own switch, `worker_disable_prefetch`, allows nothing: between two runs of a millisecond
each process then waits for the broker to answer, and the worker takes one message at a time.
"""

MOST = 3
"""How many messages wait for one process, however short the runs are."""

FADES = 0.9
"""What a longest run counts after each later one: thirty-five short ones outweigh two seconds."""

FADES_AMONG_ALL = 0.995
"""The same where the task does not matter: seven hundred short runs outweigh two seconds."""

_longest: dict[str, float] = {}
"""Seconds that runs took lately, by task: seen by this worker's main process."""

ANY = ""
"""In the place of a task: all of them."""


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
    _longest[ANY] = max(seconds, FADES_AMONG_ALL * _longest.get(ANY, 0.0))


def room(*, processes: int, taken: Iterable[tuple[str, float | None]]) -> int:
    """Return how many more messages to ask for: those that would be begun at once, or soon.

    `taken` gives the task's name of each message that the worker has, and the seconds since its run
    began, or None. For a process that will be free soon one may wait. Where no run has been long
    for long, as many as it begins within `SHORT`: whose run a message is, is known only when it was
    taken, and a long one would hold up those that came with it. They are asked for together, when
    half of those that may wait are gone.
    """
    all_taken = short = long = 0
    slowest = max(SHORT / MOST, _longest.get(ANY, SHORT))
    for name, seconds in taken:
        all_taken += 1
        lasts = _longest.get(name, SHORT)
        if lasts < SHORT and (seconds or 0) < SHORT:
            short += 1
        elif seconds is not None:
            long += 1
    behind_each = 1 if long else max(1, int(SHORT / slowest))
    may_wait = behind_each * min(short, processes - long)
    free = processes + may_wait - all_taken
    return free if all_taken < processes or 2 * free >= may_wait else 0


class Intake(bootsteps.StartStopStep):
    """Holds a worker back from the broker, where the transport asks before it takes a message.

    RabbitMQ's does not: the server sends what the prefetch count allows.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, consumer: Any) -> None:
        """Begin to be asked; again after each loss of the connection."""
        channel = consumer.task_consumer.channel
        quality = getattr(channel, "qos", None)
        if quality is None:
            return
        wanted = partial(_wanted, consumer, quality)
        quality.can_consume = lambda: wanted() > 0
        if isinstance(channel, redis.Channel) and not channel.global_keyprefix:
            TakenTogether(channel, wanted)


def _wanted(consumer: Any, quality: Any) -> int:
    # A pool that grows by itself does so for what its worker has taken.
    processes = getattr(consumer.controller, "max_concurrency", None)
    now = time.time()
    wanted = room(
        processes=processes or consumer.pool.num_processes,
        taken=(
            (request.name, now - request.time_start if request.time_start else None)
            for request in state.reserved_requests
        ),
    )
    counted: int | None = quality.can_consume_max_estimate()
    return wanted if counted is None else min(wanted, counted)


class TakenTogether:
    """Has a channel to Redis take as many messages in one way there and back as are wanted.

    By itself it takes one in each round of the worker's loop, and processes wait for that one. It
    goes on doing so where the server cannot give several (Redis before 7).
    """

    def __init__(self, channel: Any, wanted: Callable[[], int]) -> None:
        self._channel, self._client, self._wanted = channel, channel.client, wanted
        self._take_one: Callable[[], Any] = channel._brpop_read
        self._parse: Callable[..., Any] = self._client.parse_response
        self._answers: deque[tuple[Any, Any]] = deque()
        """What came together, as the answers that the channel would have got one by one."""
        channel._brpop_start, self._client.parse_response = self.ask, self.answer
        channel._brpop_read = channel.handlers["BRPOP"] = self.take

    def ask(self, timeout: float | None = None) -> None:
        """Send the question; its answer is read when there is one."""
        channel = self._channel
        queues = channel._queue_cycle.consume(len(channel.active_queues))
        steps = channel.priority_steps
        keys = [channel._q_for_pri(queue, step) for step in steps for queue in queues]
        if not keys:
            return
        channel._in_poll = self._client.connection
        channel._brpop_sent_at = time.monotonic()
        seconds = timeout or channel.brpop_timeout or 0
        several = ("RIGHT", "COUNT", max(self._wanted(), 1))
        channel._in_poll.send_command("BLMPOP", seconds, len(keys), *keys, *several)

    def answer(self, connection: Any, command: str, **options: Any) -> Any:
        """Read what the server says; of messages that came together, one each time."""
        if command != "BRPOP":
            return self._parse(connection, command, **options)
        if not self._answers:
            try:
                found = self._parse(connection, "BLMPOP", **options)
            except self._channel.ResponseError as error:
                log.info("Messages are taken one by one, for Redis says: %s", error)
                self._give_up()
                return None
            queue, messages = found or ("", ())
            self._answers.extend((queue, message) for message in messages)
        return self._answers.popleft() if self._answers else None

    def take(self) -> bool:
        """Deliver what has come. Raises what the first that makes no sense raises, and Empty."""
        failure = None
        while True:
            try:
                self._take_one()
            except Exception as error:  # noqa: BLE001 - raised when what came with it is delivered
                failure = failure or error
            if not self._answers:
                break
        if failure is not None:
            raise failure
        return True

    def _give_up(self) -> None:
        del self._channel._brpop_start, self._channel._brpop_read, self._client.parse_response
        self._channel.handlers["BRPOP"] = self._take_one
