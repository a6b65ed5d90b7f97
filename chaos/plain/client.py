"""The client of the plain system; it does what `chaos.client` does, by Celery's own means."""

import random
import signal
import sys
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import django

django.setup()

from celery import chain  # noqa: E402 - the models have to be ready
from django.db import DatabaseError, InterfaceError, connection, transaction  # noqa: E402
from django_celery_beat.models import PeriodicTask  # noqa: E402
from kombu.exceptions import KombuError, OperationalError  # noqa: E402

from chaos.plain.celery import app  # noqa: E402
from chaos.plain.jobs import one_off  # noqa: E402
from chaos.witness import testify  # noqa: E402
from chaos.workload import CHAIN, SWITCHED  # noqa: E402

PAUSE_SECONDS = 0.4
LATEST_SECONDS = 25.0
AWAY = (DatabaseError, InterfaceError, OperationalError, KombuError, OSError)


class Client:
    """Does one thing after the other, chosen by `seed`."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.calls: deque[str] = deque(maxlen=50)
        self.switched_on = True
        self.stopping = False

    def stop(self, *_: Any) -> None:
        """End after the present action."""
        self.stopping = True

    def work(self) -> None:
        """Act until stopped. A server that is away ends one action and not the client."""
        actions: list[Callable[[], None]] = [self.call] * 5 + [self.chain] * 2
        actions += [self.cancel] * 2 + [self.switch]
        while not self.stopping:
            try:
                self.chance.choice(actions)()
            except AWAY:
                connection.close()
            time.sleep(PAUSE_SECONDS)

    def call(self) -> None:
        """Call a task once, some seconds ahead, after the commit of a row that says so."""
        call = uuid4().hex
        countdown = self.chance.choice([0.0, self.chance.uniform(0, LATEST_SECONDS)])
        with transaction.atomic():
            self._note(call, "call")
            transaction.on_commit(
                partial(one_off.apply_async, (call, 0), task_id=call, countdown=countdown)
            )
        testify("called", call=call, kind="call")
        self.calls.append(call)

    def chain(self) -> None:
        """Start a chain in the same way."""
        call = uuid4().hex
        steps = chain(*(one_off.si(call, step) for step in range(1, CHAIN + 1)))
        with transaction.atomic():
            self._note(call, "chain")
            transaction.on_commit(steps.apply_async)
        testify("called", call=call, kind="chain")

    def cancel(self) -> None:
        """Revoke one of the last calls."""
        if self.calls:
            call = self.calls[self.chance.randrange(len(self.calls))]
            app.control.revoke(call)
            testify("cancelled", call=call)

    def switch(self) -> None:
        """Switch a job off or on."""
        task = PeriodicTask.objects.get(name=SWITCHED)
        task.enabled = not self.switched_on
        task.save()
        self.switched_on = not self.switched_on

    def _note(self, call: str, kind: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO chaos_call (call, kind) VALUES (%s, %s)", [call, kind])


def main() -> None:
    """Work until asked to stop."""
    client = Client(int(sys.argv[1]))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, client.stop)
    client.work()


if __name__ == "__main__":
    main()
