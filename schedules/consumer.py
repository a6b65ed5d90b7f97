"""The part of a worker that listens to the broker, made to outlive the broker and its contents.

The app chooses it (`worker_consumer`); Celery imports it in workers only.
"""

import logging
from collections.abc import Callable
from functools import partial
from json import JSONDecodeError
from typing import Any

from celery.exceptions import InvalidTaskError
from celery.worker.consumer import Consumer as StockConsumer
from celery.worker.consumer import consumer as stock_module

stock: Any = stock_module
"""Of which the types do not know all that is in it."""


class Strategies(dict[str, Callable[..., Any]]):
    """How to handle a message, by task. What is no name is the name of no task."""

    def __getitem__(self, name: Any) -> Callable[..., Any]:
        if not isinstance(name, str):
            raise KeyError(repr(name))
        return super().__getitem__(name)


def tolerant(strategy: Callable[..., Any]) -> Callable[..., Any]:
    """Return the strategy with whatever a malformed message breaks in it as InvalidTaskError."""

    def handle(message: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            _check_limits(message.headers)
            return strategy(message, *args, **kwargs)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise InvalidTaskError(f"malformed message: {error!r}") from error

    return handle


def _check_limits(headers: Any) -> None:
    """Raise TypeError for time limits that only the pool would stumble over, too late by then."""
    for limit in headers.get("timelimit") or ():
        if limit is not None and not isinstance(limit, (int, float)):
            raise TypeError(f"timelimit is {limit!r}: seconds, or null")


LISTENS_FOR = 1.0
"""Seconds that a worker reads on for a broadcast of which something has come."""


def listen_briefly(subscriptions: Any) -> None:
    """Keep a Redis client's subscriptions from being read for ever.

    The transport reads them where something has come, without a limit of time: if that was the end
    of a connection, the client makes a new one and waits for what nobody may ever say, and with it
    the worker, whose one thread this is.
    """
    subscriptions.parse_response = partial(
        subscriptions.parse_response, block=False, timeout=LISTENS_FOR
    )


LONGEST_PAUSE = 5.0
"""Seconds between two tries to reach the broker; Celery's own pauses grow to thirty."""


class SaidOnce(logging.Filter):
    """Lets through the first of Celery's lines about a broker that cannot be reached, and the next
    one only after a connection was lost; it would write one for each try, for as long as it takes.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether the line is news."""
        if record.msg == stock.CONNECTION_ERROR:
            repeated, self._said = self._said, True
            return not repeated
        if stock.CONNECTION_RETRY in (record.args or ()):
            self._said = False
        return True


class Consumer(StockConsumer):
    """Reconnects where Celery's own ends the worker, and the tasks in flight with it."""

    strategies: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stock.logger.addFilter(SaidOnce())
        # An item in the queue that is not JSON at all is gone once it was read.
        self.connection_errors = (*self.connection_errors, JSONDecodeError)  # type: ignore[has-type]

    def update_strategies(self) -> None:
        """Have every message that makes no sense rejected; by default it ends the worker, and its
        successors, to which it is given back.
        """
        super().update_strategies()
        known: dict[str, Callable[..., Any]] = self.strategies
        self.strategies = Strategies({name: tolerant(known[name]) for name in known})

    def ensure_connected(self, conn: Any) -> Any:
        """Try until the broker answers, and come to one that is back within `LONGEST_PAUSE`."""
        conn.ensure_connection = partial(conn.ensure_connection, interval_max=LONGEST_PAUSE)
        return super().ensure_connected(conn)

    def register_with_event_loop(self, hub: Any) -> None:
        """Begin to listen, with no read that may last."""
        super().register_with_event_loop(hub)
        transport = getattr(self.connection, "transport", None)
        for channel in getattr(transport, "channels", ()):
            if getattr(channel, "active_fanout_queues", ()):
                listen_briefly(channel.subclient)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Let go of the connection without giving unacknowledged messages back over it.

        Celery closes it twice, and the second time kombu fails with an AttributeError that nobody
        catches, when a task is running whose message is not acknowledged yet. The ledger sends what
        was lost.
        """
        channel = getattr(self.connection, "_default_channel", None)
        if channel is not None:
            channel.do_restore = False
        super().on_connection_error_after_connected(exc)
