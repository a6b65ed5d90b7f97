"""Messages by kombu's own API, over any transport: Celery sends the first of each kind in a batch,
and the others are published as that one was, with their own ids.

`Celery.send_task` finds out anew for each message where to and how, and kombu binds its queue to
the channel again to see that it is declared: most of what a message costs. Within one batch neither
changes.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from celery import current_app, signals
from kombu.exceptions import OperationalError
from kombu.serialization import dumps

_CHANGING = (signals.before_task_publish, signals.task_sent)
"""Who listens to these may give each message something of its own."""

Kind = tuple[object, ...]


class _Publication(NamedTuple):
    """How the first of a kind was published."""

    body: Any
    headers: Mapping[str, Any]
    options: Mapping[str, Any]
    """The body's encoding among them: it is the same for all, and written once."""

    encoded: Any


class Copies:
    """The messages of one batch, each published at once."""

    def __init__(self, producer: Any, send: Callable[..., Any]) -> None:
        self._producer = producer
        self._send = send
        self._first: dict[Kind, _Publication | None] = {}

    def publish(self, task: str, *, kind: Mapping[str, Any], values: Mapping[str, str]) -> None:
        """Send a message for `task`; `kind` and `values` are those of an envelope."""
        name = (task, *map(repr, kind.values()))
        if not self._may_copy:
            self._send(task, **kind, **values, producer=self._producer)
        elif (first := self._first.get(name)) is None:
            self._first[name] = self._publish_first(task, kind, values)
        else:
            self._publish_like(first, task, values)

    @cached_property
    def _may_copy(self) -> bool:
        sends_events = current_app.conf.task_send_sent_event
        return not sends_events and not any(signal.receivers for signal in _CHANGING)

    @cached_property
    def _errors(self) -> tuple[type[Exception], ...]:
        connection = self._producer.connection
        return (*connection.recoverable_connection_errors, *connection.recoverable_channel_errors)

    def _publish_first(
        self, task: str, kind: Mapping[str, Any], values: Mapping[str, str]
    ) -> _Publication | None:
        witness: Any = _Witness(self._producer)
        self._send(task, **kind, **values, producer=witness)
        if len(witness.published) != 1:
            return None
        [(body, options)] = witness.published
        content_type, content_encoding, encoded = dumps(body, options.pop("serializer"))
        options |= {"content_type": content_type, "content_encoding": content_encoding}
        del options["declare"]  # it has been, over this very channel
        return _Publication(body, options.pop("headers"), options, encoded)

    def _publish_like(self, first: _Publication, task: str, values: Mapping[str, str]) -> None:
        ids = {**values, "id": values["task_id"], "correlation_id": values["task_id"]}
        headers = {name: ids.get(name, value) for name, value in first.headers.items()}
        options = {name: ids.get(name, value) for name, value in first.options.items()}
        try:
            self._producer.publish(first.encoded, headers=headers, **options)
        except self._errors as error:
            raise OperationalError(str(error)) from error
        signals.after_task_publish.send(
            sender=task,
            body=first.body,
            headers=headers,
            exchange=options["exchange"],
            routing_key=options["routing_key"],
        )


class _Witness:
    """A producer that notes what it publishes; in all else the real one."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer
        self.published: list[tuple[Any, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._producer, name)

    def publish(self, body: Any, **options: Any) -> Any:
        """Publish, and note what."""
        published = self._producer.publish(body, **options)
        self.published.append((body, options))
        return published
