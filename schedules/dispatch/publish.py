"""Telling the broker about runs that are committed. The broker is a doorbell: losing a message
loses time.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any
from uuid import UUID

from celery import Celery, current_app
from django.db import DatabaseError, transaction

from schedules.broker import AWAY, breaker
from schedules.dispatch.broken import MOST_RUNS, refuse_other_shapes
from schedules.dispatch.envelope import send_all
from schedules.dispatch.together import write_together
from schedules.errors import InvalidInput, ReportedFailure
from schedules.finish import Outcome, finish_all_waiting
from schedules.lease import instance_id
from schedules.models import Run
from schedules.querysets.planning import PlannedCall, PlannedRun
from schedules.redaction import redact
from schedules.registry import find
from schedules.states import RunState

log = logging.getLogger(__name__)

RUN_HEADER = "downbeat"
"""Message header of our runs, by which also an undeclared task is recognised as planned here."""

Sendable = Run | PlannedRun | PlannedCall

UNUSABLE = {"action": "run_unusable"}

Kind = Mapping[str, Any]
"""The options of `send_task` that are the same for all messages of a kind."""

Message = tuple[str, Kind, dict[str, str]]
"""The task, its kind, and the values that are the run's own."""

MOST_LETTERS = 256

_by_outbox = ContextVar("by_outbox", default=False)


@contextmanager
def by_outbox() -> Iterator[None]:
    """Have Beat's outbox send at once what would be published in here: for who must not wait, as a
    silent broker makes one wait.
    """
    before = _by_outbox.set(True)
    try:
        yield
    finally:
        _by_outbox.reset(before)


def publish(runs: Sequence[Sendable]) -> int:
    """Send a message for each run and mark them sent; return how many went out.

    Never raises for a broker that is away: the outbox then offers the runs at once, and they count
    as never sent by this. After a failure nothing is tried for two seconds, so that a caller's
    transaction never queues up behind a dead broker. A run whose row allows no message ends as
    failed; of very many such runs, some do, after the others are sent, and the outbox offers the
    rest again.
    """
    if not runs:
        return 0
    if _by_outbox.get() or breaker.is_open:
        _leave_to_outbox([run.task_id for run in runs])
        return 0
    messages, unusable = _messages(runs)
    try:
        return _publish(messages) if messages else 0
    finally:
        _fail_some(unusable)


def _publish(messages: Mapping[UUID, Message]) -> int:
    try:
        with current_app.producer_or_acquire() as producer:
            send_all(producer, _send, messages.values())
    except AWAY as error:
        breaker.trip()
        log.warning(
            "The broker did not take %d runs, which stay in the outbox: %s",
            len(messages),
            error,
            extra={"action": "publish_failed"},
        )
        # Some may have gone out before it failed. They go out twice then, and the claim takes the
        # first to arrive.
        _leave_to_outbox([*messages])
        return 0
    _mark_sent(list(messages))
    return len(messages)


def publish_after_commit(run: Sendable) -> None:
    """Send the run's message once the caller's transaction has committed."""
    # No partial: Django names the function when it reports what it raised.
    transaction.on_commit(lambda: publish([run]), robust=True)


def _messages(runs: Sequence[Sendable]) -> tuple[dict[UUID, Message], list[tuple[Sendable, str]]]:
    """Return the messages by id, and the runs that none can be made for with the reason."""
    messages: dict[UUID, Message] = {}
    unusable: list[tuple[Sendable, str]] = []
    highest_first = str(current_app.conf.broker_url).startswith("amqp")
    kinds: dict[object, Kind] = {}
    for run in runs:
        try:
            messages[run.task_id] = _message(run, kinds, highest_first=highest_first)
        except Exception as error:  # noqa: BLE001 - the run says so, and all others are sent
            unusable.append((run, str(error) or type(error).__name__))
    return messages, unusable


def _fail_some(unusable: Sequence[tuple[Sendable, str]]) -> None:
    """End runs that no worker could be told about; offered again, they would fail again."""
    try:
        alike: dict[str, list[Run]] = {}
        for run, why in unusable[:MOST_RUNS]:
            reason = f"no message can be made for it: {why}"
            log.warning("Run %s of %s: %s", run.task_id, run.task, reason, extra=UNUSABLE)
            row = run if isinstance(run, Run) and run.pk else Run.objects.get(task_id=run.task_id)
            row.options = {}  # they cannot be read: nothing follows from them
            alike.setdefault(reason, []).append(row)
        for reason, rows in alike.items():
            outcome = Outcome(state=RunState.FAILED, error=ReportedFailure(reason), reason=reason)
            end = partial(finish_all_waiting, outcome=outcome, instance_id=instance_id())
            write_together(rows, end)
    except DatabaseError as failure:
        log.warning("Runs without a message could not be ended: %s", failure)


def _message(
    run: Sendable, kinds: dict[object, Kind] | None = None, *, highest_first: bool = False
) -> Message:
    """Return a message that carries the run's id. What to do is read from the row by the worker.

    `kinds` are those of the same batch: runs without options of their own share one.
    """
    options = run.options
    if not isinstance(options, dict):
        raise InvalidInput("options", options, "a JSON object")
    refuse_other_shapes(run)
    task, task_id = run.task, str(run.task_id)
    if options or kinds is None:
        kind = _kind(run, highest_first=highest_first)
    else:
        name = task, run.queue, run.priority, run.retries
        kind = kinds.get(name) or kinds.setdefault(name, _kind(run, highest_first=highest_first))
    values = {
        "task_id": task_id,
        "root_id": options.get("root_id") or task_id,
        "parent_id": options.get("parent_id") or task_id,
        "argsrepr": shown(run.args),
        "kwargsrepr": shown(run.kwargs),
    }
    return task, kind, values


def _kind(run: Sendable, *, highest_first: bool) -> Kind:
    kind: dict[str, Any] = {
        "retries": run.retries,
        "priority": broker_priority(run.priority, highest_first=highest_first),
        **_limits(run),
    }
    if run.queue:
        kind["queue"] = run.queue
    for name in ("exchange", "routing_key"):
        if run.options.get(name):
            kind[name] = run.options[name]
    return kind


def _send(task: str, **options: Any) -> None:
    # The base class, because our own `send_task` is where runs are planned, not sent.
    app: Any = current_app
    send: Any = Celery.send_task
    send(
        app._get_current_object(),
        task,
        args=(),
        kwargs={},
        retry=False,
        add_to_parent=False,
        headers={RUN_HEADER: 1},
        **options,
    )


def shown(arguments: object) -> str:
    """Return the arguments as Flower and the worker's log show them: without secrets, and at most
    256 letters.
    """
    return redact(shortened(arguments)) if arguments else repr(arguments)


def shortened(arguments: object) -> str:
    """Return the arguments' text; at most 256 letters."""
    text = repr(arguments)
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 3]}..."


def broker_priority(priority: int, *, highest_first: bool = False) -> int:
    """Map the API's priority (higher first, 0 is ordinary) to Redis's 0 (first) to 9 (last), or to
    RabbitMQ's 9 (first) to 0.
    """
    place = max(0, min(9, 5 - priority))
    return 9 - place if highest_first else place


def _limits(run: Sendable) -> dict[str, float | None]:
    """Return the run's time limits in seconds: its own, else those its task declares."""
    declaration = find(run.task)
    limits: dict[str, float | None] = {}
    for name in ("time_limit", "soft_time_limit"):
        if name in run.options:
            limits[name] = _seconds(name, run.options[name])
        else:
            declared = getattr(declaration, name, None)
            limits[name] = declared.total_seconds() if declared else None
    # Celery begins to watch a hard limit only when the soft one, perhaps the app's, has passed.
    limits["soft_time_limit"] = limits["soft_time_limit"] or limits["time_limit"]
    return limits


def _seconds(name: str, value: object) -> float | None:
    if value is None or isinstance(value, int | float):
        return value
    raise InvalidInput(name, value, "a number of seconds")


def _mark_sent(task_ids: list[UUID]) -> None:
    try:
        Run.objects.mark_sent(task_ids)
    except DatabaseError as error:
        # Sent and not marked: the outbox sends once more, and the claim takes the first to arrive.
        log.warning("Runs were sent but could not be marked: %s", error)


def _leave_to_outbox(task_ids: list[UUID]) -> None:
    try:
        Run.objects.mark_unsent(task_ids)
    except DatabaseError as error:
        # The outbox has them all the same, after the pause that was meant for a lost message.
        log.warning("The outbox could not be told to hurry: %s", error)
