"""Questions to the broker itself: does it answer, how much waits in it, has it lost its memory?

Only Redis can be asked about its memory, through a key of ours. Of RabbitMQ a loss shows by
its queues being empty while runs wait: the outbox then sends them again, some seconds later.
"""

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from amqp.exceptions import AMQPError, ChannelError
from celery import Celery
from kombu.exceptions import KombuError, OperationalError

AWAY = (OperationalError, KombuError, AMQPError, OSError)
"""What speaking to a broker raises that is not there, or not well."""

EPOCH_KEY = "downbeat-epoch"


def queued(app: Celery) -> int:
    """Return how many messages wait in the queues that workers read by default."""
    return sum(depths(app, app.amqp.queues).values())


def depths(app: Celery, queues: Iterable[str], **connecting: Any) -> dict[str, int]:
    """Return how many messages wait in each of the queues; `connecting` is for the connection."""
    with app.connection_for_read(**connecting) as connection:
        return {name: _depth(connection, name) for name in queues}


def has_lost_its_memory(app: Celery) -> bool:
    """Whether the mark we left is gone, which takes all messages with it; leaves a new one.

    Of several Beats that ask, one is told so.
    """
    with app.connection_for_read() as connection:
        client = getattr(connection.default_channel, "client", None)
        if client is None or not hasattr(client, "setnx"):
            return False
        return bool(client.setnx(EPOCH_KEY, str(uuid4())))


def _depth(connection: Any, queue: str) -> int:
    # A channel of its own: RabbitMQ closes the one on which it was asked for what does not exist.
    channel = connection.channel()
    try:
        return int(channel.queue_declare(queue=queue, passive=True).message_count)
    except ChannelError:
        return 0  # Redis has no empty lists: a queue without messages does not exist
    finally:
        channel.close()
