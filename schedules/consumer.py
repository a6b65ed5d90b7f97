"""The part of a worker that listens to the broker, made to outlive the broker and its contents.

The app chooses it (`worker_consumer`); Celery imports it in workers only.
"""

from json import JSONDecodeError
from typing import Any

from celery.worker.consumer import Consumer as StockConsumer


class Consumer(StockConsumer):
    """Reconnects where Celery's own ends the worker, and the tasks in flight with it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # An item in the queue that is not JSON at all is gone once it was read.
        self.connection_errors = (*self.connection_errors, JSONDecodeError)  # type: ignore[has-type]

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
