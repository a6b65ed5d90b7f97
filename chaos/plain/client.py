"""The client of the plain system; it does what `chaos.client` does, by Celery's own means."""

from functools import partial
from uuid import uuid4

import django

django.setup()

from celery import chain  # noqa: E402 - the models have to be ready
from django.db import transaction  # noqa: E402
from django_celery_beat.models import PeriodicTask  # noqa: E402
from kombu.exceptions import KombuError, OperationalError  # noqa: E402

from chaos.acting import Acting, act  # noqa: E402
from chaos.plain.celery import app  # noqa: E402
from chaos.plain.jobs import one_off  # noqa: E402
from chaos.witness import testify  # noqa: E402
from chaos.workload import CHAIN, SWITCHED  # noqa: E402


class Client(Acting):
    """Acts by Celery's means, which speak to the broker at once."""

    AWAY = (*Acting.AWAY, OperationalError, KombuError, OSError)

    def call(self) -> None:
        """Call a task once, some seconds ahead, after the commit of a row that says so."""
        call = uuid4().hex
        countdown = self.some_seconds()
        with transaction.atomic():
            self.note(call, "call")
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
            self.note(call, "chain")
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


if __name__ == "__main__":
    act(Client)
