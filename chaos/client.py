"""A client of the system: calls, chains, cancels and switches a job, and says what it was told.

It is a process of its own, started as `python -m chaos.client`, and sees the same faults.
"""

from datetime import datetime
from uuid import UUID, uuid4

import django

django.setup()

from celery import chain  # noqa: E402 - the models have to be ready
from django.db import transaction  # noqa: E402
from django_celery_beat.models import PeriodicTask  # noqa: E402

import project.celery  # noqa: E402, F401
from chaos.acting import Acting, act  # noqa: E402
from chaos.jobs import one_off  # noqa: E402
from chaos.witness import testify  # noqa: E402
from chaos.workload import CHAIN, SWITCHED  # noqa: E402
from schedules.models import Job  # noqa: E402
from schedules.operations.cancel import CANCELLED, cancel_runs  # noqa: E402
from schedules.public import database_now  # noqa: E402


class Client(Acting):
    """Acts by the product's own means; what it was promised, it testifies."""

    def call(self) -> None:
        """Call a task once, some seconds ahead, in one transaction with a row that says so."""
        call = uuid4()
        with transaction.atomic():
            self.note(call.hex, "call")
            countdown = self.some_seconds()
            one_off.apply_async((call.hex, 0), task_id=str(call), countdown=countdown)
        testify("called", call=call.hex, kind="call")
        self.calls.append(call.hex)

    def chain(self) -> None:
        """Start a chain in the same way."""
        call = uuid4()
        with transaction.atomic():
            self.note(call.hex, "chain")
            chain(*(one_off.si(call.hex, step) for step in range(1, CHAIN + 1))).apply_async()
        testify("called", call=call.hex, kind="chain")

    def cancel(self) -> None:
        """Take one of the last calls back, and say so if that was promised."""
        if not self.calls:
            return
        call = self.calls[self.chance.randrange(len(self.calls))]
        answer = cancel_runs([UUID(call)], reason="the client asked for it")[UUID(call)]
        if answer == CANCELLED:
            testify("cancelled", call=call)

    def switch(self) -> None:
        """Switch a job off or on, as another program would, once the last switch is in force: what
        is undone before any Beat has seen it was never in force.
        """
        if Job.objects.get(key=SWITCHED).is_enabled != self.switched_on:
            return
        on = not self.switched_on
        testify("switching", on=on, instant=_text(database_now()))
        PeriodicTask.objects.filter(name=SWITCHED).update(enabled=on)
        testify("switched", on=on, instant=_text(database_now()))
        self.switched_on = on


def _text(instant: datetime) -> str:
    return instant.isoformat()


if __name__ == "__main__":
    act(Client)
