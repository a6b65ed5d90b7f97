"""The servers that can be the broker of a tested system."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import redis

from project.devstack.broker import embedded_broker
from project.devstack.processes import Process


class Server(Protocol):
    """One private server, which keeps what it holds in its own folder."""

    @property
    def url(self) -> str:
        """Its address as BROKER_URL wants it."""

    @property
    def process(self) -> Process:
        """What starts it."""

    def answers(self) -> bool:
        """Whether it can be spoken to."""

    def forget(self) -> None:
        """Lose every message, as the loss of its memory does."""

    def put(self, item: bytes) -> None:
        """Put something into the workers' queue as it is."""

    def tidy(self) -> None:
        """End what is left of it once its process is gone."""


MakeServer = Callable[[Path], Server]
"""Prepares a server that keeps its files in a folder."""


class Valkey:
    """The embedded broker."""

    def __init__(self, folder: Path) -> None:
        self._broker = embedded_broker(folder)
        self.url = self._broker.url
        self.process = Process(name="broker", command=self._broker.command)

    def answers(self) -> bool:
        """Whether it answers PING."""
        return asyncio.run(self._broker.is_ready())

    def forget(self) -> None:
        """Empty it."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def put(self, item: bytes) -> None:
        """Put it at the head of the list."""
        with redis.Redis.from_url(self.url) as client:
            client.lpush("celery", item)

    def tidy(self) -> None:
        """Nothing is left of it."""
