"""Telling the broker about runs that are committed. The broker is a doorbell: losing a message
loses time.
"""

import logging
import time
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from celery import Celery, current_app
from celery.utils.saferepr import saferepr
from django.db import DatabaseError, transaction
from kombu.exceptions import KombuError, OperationalError

from schedules.models import Run
from schedules.registry import find

log = logging.getLogger(__name__)

RUN_HEADER = "downbeat"
"""Message header of our runs, by which also an undeclared task is recognised as planned here."""

BREAK_SECONDS = 2.0
BROKER_ERRORS = (OperationalError, KombuError, OSError, ConnectionError)

_closed_until = 0.0


def publish(runs: Sequence[Run]) -> int:
    """Send a message for each run and mark them sent; return how many went out.

    Never raises for a broker that is away: the runs stay in the outbox. After a failure nothing is
    tried for two seconds, so that a caller's transaction never queues up behind a dead broker.
    """
    global _closed_until
    if not runs or time.monotonic() < _closed_until:
        return 0
    sent: list[UUID] = []
    try:
        with current_app.producer_or_acquire() as producer, producer.batch(500):
            for run in runs:
                _send(run, producer)
                sent.append(run.task_id)
    except BROKER_ERRORS as error:
        _closed_until = time.monotonic() + BREAK_SECONDS
        log.warning(
            "The broker did not take %d runs, which stay in the outbox: %s",
            len(runs),
            error,
            extra={"action": "publish_failed"},
        )
        return 0
    _mark_sent(sent)
    return len(sent)


def publish_after_commit(run: Run) -> None:
    """Send the run's message once the caller's transaction has committed."""
    transaction.on_commit(partial(publish, [run]), robust=True)


def _send(run: Run, producer: Any) -> None:
    """Send a message that carries the run's id. What to do is read from the row by the worker."""
    options = run.options
    routing: dict[str, Any] = {}
    if run.queue:
        routing["queue"] = run.queue
    for name in ("exchange", "routing_key"):
        if options.get(name):
            routing[name] = options[name]
    # The base class, because our own `send_task` is where runs are planned, not sent.
    app: Any = current_app
    send: Any = Celery.send_task
    send(
        app._get_current_object(),
        run.task,
        args=(),
        kwargs={},
        task_id=str(run.task_id),
        producer=producer,
        retry=False,
        add_to_parent=False,
        root_id=options.get("root_id") or str(run.task_id),
        parent_id=options.get("parent_id") or str(run.task_id),
        retries=run.retries,
        priority=broker_priority(run.priority),
        time_limit=_limit(run, "time_limit"),
        # Celery begins to watch a hard limit only when the soft one, perhaps the app's, has passed.
        soft_time_limit=_limit(run, "soft_time_limit") or _limit(run, "time_limit"),
        argsrepr=saferepr(run.args, 256),
        kwargsrepr=saferepr(run.kwargs, 256),
        headers={RUN_HEADER: 1},
        **routing,
    )


def broker_priority(priority: int) -> int:
    """Map the API's priority (higher first, 0 is ordinary) to Redis's 0 (first) to 9 (last)."""
    return max(0, min(9, 5 - priority))


def _limit(run: Run, name: str) -> float | None:
    if name in run.options:
        return run.options[name]  # type: ignore[no-any-return]
    declaration = find(run.task)
    limit = getattr(declaration, name, None)
    return limit.total_seconds() if limit else None


def _mark_sent(task_ids: list[UUID]) -> None:
    try:
        Run.objects.mark_sent(task_ids)
    except DatabaseError as error:
        # Sent and not marked: the outbox sends once more, and the claim takes the first to arrive.
        log.warning("Runs were sent but could not be marked: %s", error)
