"""Messages by the thousand over the Redis transport: kombu writes the first of each kind, and the
others are its text with other ids.

`Celery.send_task` takes about 0.1 ms of processor time a message, most of it for finding out again
what is the same for all of them. A message of ours says little more than the id of its run, so its
text is learned once for each kind (task, queue, priority, limits ...) and filled in from then on.
Other transports, and an app that listens to each publication, get kombu's own way (`copies`).
"""

import json
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from typing import Any, NamedTuple
from uuid import uuid4

from celery import signals
from kombu.exceptions import OperationalError
from kombu.messaging import Producer
from kombu.transport import redis
from redis.exceptions import RedisError

from schedules.dispatch.copies import Copies

MOST_KINDS = 1000
"""Kinds of messages that a process remembers; with more it starts anew."""

AT_ONCE = 500
"""Messages in one command; more of them would make other clients of the broker wait."""

_FIELDS = ("task_id", "root_id", "parent_id", "argsrepr", "kwargsrepr")
"""What differs between two messages of one kind, besides the transport's own delivery tag."""

_quoted = json.encoder.encode_basestring_ascii
"""What `json.dumps` gives, without its look at eight options for each text."""

_SIGNALS = (signals.before_task_publish, signals.after_task_publish, signals.task_sent)

_patterns: dict[tuple[object, ...], "Pattern"] = {}


class Pattern(NamedTuple):
    """One kind of message: the list it is pushed to, and its text, for Python's `%`, with the names
    of the values in their places.
    """

    key: str
    text: str

    def fill_in(self, values: Mapping[str, str]) -> str:
        """Return the message with the given values, one for each of its fields."""
        return self.text % {field: _quoted(value) for field, value in values.items()}


class Envelopes:
    """The messages of one batch: `add` each, then `flush`."""

    def __init__(self, producer: Any, send: Callable[..., Any]) -> None:
        self._channel = producer.channel
        self._send = send
        self._waiting: dict[str, list[str]] = defaultdict(list)
        self._kinds: dict[tuple[str, int], tuple[Mapping[str, Any], Pattern]] = {}
        self._tags = _delivery_tags()

    def add(self, task: str, *, kind: Mapping[str, Any], values: Mapping[str, str]) -> None:
        """Write a message for `task`. `kind` are options of `send_task`, the same for all messages
        of its kind; `values` are those that differ: task_id, root_id, parent_id, argsrepr,
        kwargsrepr.
        """
        # Of a batch most are of the very same kind, whose values need not be looked at again. It is
        # kept beside its pattern, so that no other one can get its number.
        known = self._kinds.get((task, id(kind)))
        if known is None:
            known = self._kinds[task, id(kind)] = kind, self._pattern(task, kind)
        pattern = known[1]
        waiting = self._waiting[pattern.key]
        waiting.append(pattern.fill_in({**values, "delivery_tag": next(self._tags)}))
        if len(waiting) >= AT_ONCE:
            self._push(pattern.key)

    def flush(self) -> None:
        """Hand everything over. Raises OperationalError; what had gone out by then stays out."""
        for key in list(self._waiting):
            self._push(key)

    def _push(self, key: str) -> None:
        messages = self._waiting.pop(key, [])
        if not messages:
            return
        try:
            with self._channel.conn_or_acquire() as client:
                client.lpush(key, *messages)
        except RedisError as error:
            raise OperationalError(str(error)) from error

    def _pattern(self, task: str, kind: Mapping[str, Any]) -> Pattern:
        # With the process, because a message says which one it comes from.
        name = (os.getpid(), task, *map(repr, kind.values()))
        pattern = _patterns.get(name)
        if pattern is None:
            if len(_patterns) >= MOST_KINDS:
                _patterns.clear()
            pattern = _patterns[name] = self._learn(task, kind)
        return pattern

    def _learn(self, task: str, kind: Mapping[str, Any]) -> Pattern:
        """Have kombu write a message of this kind, and find the places of its values."""
        marks = {field: str(uuid4()) for field in _FIELDS}
        tap: Any = _Tap(self._channel)
        self._send(task, **kind, **marks, producer=Producer(tap, auto_declare=False))
        [(key, message)] = tap.pushed
        marks["delivery_tag"] = json.loads(message)["properties"]["delivery_tag"]
        field_of = {json.dumps(mark): field for field, mark in marks.items()}
        of_marks = re.compile("|".join(map(re.escape, field_of)))
        text = of_marks.sub(lambda mark: f"%({field_of[mark[0]]})s", message.replace("%", "%%"))
        return Pattern(key, text)


def _delivery_tags() -> Iterator[str]:
    """Yield texts as those of random UUIDs, whose last twelve digits count: to make each a random
    one is a good part of what a message costs.
    """
    begin = str(uuid4())[:-12]
    return (f"{begin}{number:012x}" for number in count())


class _Tap:
    """A channel that notes what would be pushed instead of pushing it; in all else the real one."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self.pushed: list[tuple[str, str]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)

    def basic_publish(self, message: Any, **routing: Any) -> Any:
        """Route the message, as into a batch of kombu's, which is ourselves."""
        return self._channel.basic_publish(message, _publish_batch=self, **routing)

    def add(self, command: str, *arguments: Any) -> None:
        """Note one command; what is not a push concerns queues that expire."""
        if command == "lpush":
            self.pushed.append((arguments[0], arguments[1]))


def takes(producer: Any) -> bool:
    """Whether messages may go this way: over Redis, and nobody listens to each of them."""
    listens = any(signal.receivers for signal in _SIGNALS)
    return isinstance(producer.channel, redis.Channel) and not listens


def send_all(
    producer: Any,
    send: Callable[..., Any],
    messages: Iterable[tuple[str, Mapping[str, Any], Mapping[str, str]]],
) -> None:
    """Send (task, kind, values) for each message, by the fastest way that it can go.

    `send` is Celery's `send_task`. Raises kombu's errors and OSError; then any of the messages may
    or may not have arrived.
    """
    envelopes = Envelopes(producer, send) if takes(producer) else None
    copies = Copies(producer, send)
    with producer.batch(AT_ONCE):
        for task, kind, values in messages:
            is_routed = "exchange" in kind or "routing_key" in kind  # where to may change any time
            if envelopes is None or is_routed:
                copies.publish(task, kind=kind, values=values)
            else:
                envelopes.add(task, kind=kind, values=values)
    if envelopes is not None:
        envelopes.flush()
