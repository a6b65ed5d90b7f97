"""Questions to the broker itself: does it answer, how much waits in it, has it lost its memory?

Only Redis can be asked about its memory, through a key of ours. Of RabbitMQ a loss shows by
its queues being empty while runs wait: the outbox then sends them again, some seconds later.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from amqp.exceptions import AMQPError, ChannelError
from celery import Celery, current_app
from kombu.exceptions import KombuError, OperationalError
from kombu.transport import virtual

AWAY = (OperationalError, KombuError, AMQPError, OSError)
"""What speaking to a broker raises that is not there, or not well."""

EPOCH_KEY = "downbeat-epoch"

FAST = timedelta(milliseconds=1)
"""What a message keeps the workers of a queue busy for, if they are fast: two processes on two
cores end some eight hundred a second of jobs that do nothing.
"""

PATIENCE = {"read_timeout": 10}
"""Seconds for an answer of RabbitMQ's; for Redis the settings say how long."""


class Breaker:
    """Remembers for two seconds that the broker did not take a message, so that nobody in this
    process waits for it meanwhile.
    """

    SECONDS = 2.0

    def __init__(self) -> None:
        self._until = 0.0

    def trip(self) -> None:
        """Note a failure."""
        self._until = time.monotonic() + self.SECONDS

    def forget(self) -> None:
        """Have the next message tried."""
        self._until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the last failure is so recent that nothing is to be tried."""
        return time.monotonic() < self._until


breaker = Breaker()
"""The one of this process."""


class SaidOnce(logging.Filter):
    """Lets through the first of Celery's lines about a broker that does not answer Beat's remote
    control, and the next one only after it has answered; there is one for each try.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether the line is news."""
        line = str(record.msg)
        if line.startswith("beat pidbox: Connection error"):
            repeated, self._said = self._said, True
            return not repeated
        if line.startswith("beat pidbox: Connected"):
            self._said = False
        return True


SAID_ONCE = SaidOnce()
"""One object, so that adding it to a logger twice is adding it once."""


def depths(app: Celery, queues: Iterable[str], **connecting: Any) -> dict[str, int]:
    """Return how many messages wait in each of the queues; `connecting` is for the connection."""
    with app.connection_for_read(**connecting) as connection:
        return {name: _depth(connection, name) for name in queues}


class Backlog(NamedTuple):
    """How many messages wait in the broker, by queue; of a broker that does not answer None."""

    waiting: Mapping[str, int] | None

    @property
    def is_empty(self) -> bool:
        """Whether no message waits at all. Without an answer some may: then nothing is
        multiplied.
        """
        return self.waiting is not None and not any(self.waiting.values())

    @property
    def emptied(self) -> list[str]:
        """The queues of which no message waits, as runs name them. Of one that was not looked at
        some may, where any do: another queue's messages say nothing of it.
        """
        names = [name for name, messages in (self.waiting or {}).items() if messages == 0]
        return [*names, ""] if current_app.conf.task_default_queue in names else names

    def worked_off_in(self, queue: str) -> timedelta:
        """Return how long what waits in a queue keeps the workers busy, if they are fast: nothing
        for one that was not looked at.
        """
        name = queue or str(current_app.conf.task_default_queue)
        return (self.waiting or {}).get(name, 0) * FAST


FULL, EMPTY = Backlog(None), Backlog({})
"""What is thought of a broker that does not answer, and what an idle one has."""


class Inquiry:
    """Asks the broker again and again, over one connection that is kept: to connect costs more than
    all the questions.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._connection: Any = None

    def backlog(self) -> Backlog:
        """Return how many messages wait in the queues that workers read by default, and in those
        that this process has sent to. Raises AWAY.
        """
        with self._asking() as connection:
            return Backlog({name: _depth(connection, name) for name in [*self._app.amqp.queues]})

    def has_lost_its_memory(self) -> bool:
        """Whether the mark we left is gone, which takes all messages with it; leaves a new one.

        Of several Beats that ask, one is told so. Raises AWAY.
        """
        with self._asking() as connection:
            client = getattr(connection.default_channel, "client", None)
            if client is None or not hasattr(client, "setnx"):
                return False
            return bool(client.setnx(EPOCH_KEY, str(uuid4())))

    @contextmanager
    def _asking(self) -> Iterator[Any]:
        """The connection; dropped where it did not serve: the next question makes another."""
        connection = self._connection
        if connection is None:
            connection = self._app.connection_for_read(transport_options=PATIENCE)
        self._connection = None
        errors = connection.connection_errors + connection.channel_errors
        try:
            yield connection
            self._connection = connection
        except errors as error:
            raise OperationalError(str(error)) from error
        finally:
            if self._connection is None:
                with suppress(*errors):
                    connection.release()


def _depth(connection: Any, queue: str) -> int:
    if isinstance(connection.transport, virtual.Transport):
        return _depth_on(connection.default_channel, queue)
    # A channel of its own: RabbitMQ closes the one on which it was asked for what does not exist.
    channel = connection.channel()
    try:
        return _depth_on(channel, queue)
    finally:
        channel.close()


def _depth_on(channel: Any, queue: str) -> int:
    try:
        return int(channel.queue_declare(queue=queue, passive=True).message_count)
    except ChannelError:
        return 0  # Redis has no empty lists: a queue without messages does not exist
