"""What the clients of both systems have in common: chance, the loop, and the note of each call."""

import random
import signal
import sys
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Any, ClassVar

from django.db import DatabaseError, InterfaceError, connection

PAUSE_SECONDS = 0.4
LATEST_SECONDS = 25.0
"""How far ahead calls are made."""


class Acting(ABC):
    """Does one thing after the other, chosen by `seed`."""

    AWAY: ClassVar[tuple[type[Exception], ...]] = (DatabaseError, InterfaceError)
    """What is raised when a server is away. It ends one action and not the client."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.calls: deque[str] = deque(maxlen=50)
        self.switched_on = True
        self.stopping = False

    def stop(self, *_: Any) -> None:
        """End after the present action."""
        self.stopping = True

    def work(self) -> None:
        """Act until stopped."""
        actions: list[Callable[[], None]] = [self.call] * 5 + [self.chain] * 2
        actions += [self.cancel] * 2 + [self.switch]
        while not self.stopping:
            try:
                self.chance.choice(actions)()
            except self.AWAY:
                connection.close()
            time.sleep(PAUSE_SECONDS)

    @abstractmethod
    def call(self) -> None:
        """Call a task once, some seconds ahead, beside a row that says so."""

    @abstractmethod
    def chain(self) -> None:
        """Start a chain in the same way."""

    @abstractmethod
    def cancel(self) -> None:
        """Take one of the last calls back."""

    @abstractmethod
    def switch(self) -> None:
        """Switch a job off or on."""

    def some_seconds(self) -> float:
        """How far ahead the next call is; often not at all."""
        return self.chance.choice([0.0, self.chance.uniform(0, LATEST_SECONDS)])

    @staticmethod
    def note(call: str, kind: str) -> None:
        """Write the row that says that a call was made."""
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO chaos_call (call, kind) VALUES (%s, %s)", [call, kind])


def act(kind: type[Acting]) -> None:
    """Be such a client, with the seed that the command line gives, until asked to stop."""
    client = kind(int(sys.argv[1]))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, client.stop)
    client.work()
