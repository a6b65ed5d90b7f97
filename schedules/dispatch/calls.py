"""One-off calls: every call of a declared task becomes a row before it becomes a message."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from celery import Celery
from celery.result import AsyncResult
from django.db import connection
from kombu.utils.functional import maybe_list

from schedules import tracing
from schedules.conf import options as conf
from schedules.current import Resend, current_run
from schedules.dispatch.publish import publish_after_commit
from schedules.errors import InvalidInput
from schedules.querysets.clock import database_now
from schedules.querysets.planning import PlannedCall, When, write_single_call
from schedules.registry import Declaration, check_arguments

KEPT = (
    "root_id",
    "parent_id",
    "group_id",
    "group_index",
    "chord",
    "chain",
    "shadow",
    "headers",
    "time_limit",
    "soft_time_limit",
    "replaced_task_nesting",
    "stamped_headers",
    "exchange",
    "routing_key",
)
"""Message options that a run keeps. The rest is about the connection it happened to be sent over.
"""

LONGEST = timedelta(days=36525)
"""The database reckons with instants that Python cannot hold, and so nobody could read."""


def plan_call(
    app: Celery,
    declaration: Declaration,
    args: Sequence[Any] | None,
    kwargs: Mapping[str, Any] | None,
    *,
    countdown: float | None = None,
    eta: datetime | str | None = None,
    expires: datetime | str | float | None = None,
    task_id: str | None = None,
    retries: int = 0,
    add_to_parent: bool = True,
    result_cls: type[AsyncResult[Any]] | None = None,
    **given: Any,
) -> AsyncResult[Any]:
    """Write the run of a call in the caller's transaction; the broker hears of it after the commit.

    A call that is due later is parked: it waits in the database, at any distance, and Beat sends it
    when its time has come. Takes what Celery's `send_task` takes. Raises InvalidInput for arguments
    that do not fit the task, or options it cannot keep.
    """
    args, kwargs = list(args or ()), dict(kwargs or {})
    check_arguments(declaration, args, kwargs)
    if given.get("serializer") not in (None, "json"):
        raise InvalidInput("serializer", given["serializer"], "json is the only one accepted")
    when = _when(countdown, eta, expires)
    run_id = _run_id(task_id)
    _inherit_family(app, given, declaration)
    message: dict[str, Any] = {
        "task": declaration.task,
        "args": args,
        "kwargs": kwargs,
        "options": _kept(given, declaration) | tracing.carried(),
        "retries": retries,
    }
    result = (result_cls or app.AsyncResult)(str(run_id))
    running = current_run()
    if running is not None and running.task_id == run_id:
        # A retry or a replacement of the very run we are in: it goes on as this message once its
        # body has ended. Until then nothing is written, so that a rollback takes it back as well.
        running.resend = Resend(due_at=when.due_at(database_now()), message=message)
        return result
    call = PlannedCall(
        task_id=run_id,
        priority=_priority(given, declaration),
        queue=_queue_name(given.get("queue") or declaration.queue),
        parent_id=_uuid(given.get("parent_id")),
        **message,
    )
    # A chain's element has its id from the start; applied a second time it finds its own run.
    if write_single_call(connection, call, when, again_after=conf().send_again_after):
        publish_after_commit(call)
    parent = app.current_worker_task
    if add_to_parent and parent is not None:
        parent.add_trail(result)
    return result


def _run_id(task_id: str | None) -> UUID:
    try:
        return UUID(str(task_id)) if task_id else uuid4()
    except ValueError:
        raise InvalidInput("task_id", task_id, "a UUID") from None


def _when(
    countdown: float | None,
    eta: datetime | str | None,
    expires: datetime | str | float | None,
) -> When:
    """Celery takes instants, their ISO text, or seconds from now."""
    at = None if eta is None else _instant(eta)
    delay = timedelta(0)
    if countdown and eta is None:
        delay = max(_from_now("countdown", countdown), delay)
    if expires is None:
        return When(at=at, delay=delay)
    if isinstance(expires, datetime | str):
        return When(at=at, delay=delay, expires_at=_instant(expires))
    return When(at=at, delay=delay, expires_in=_from_now("expires", expires))


def _from_now(name: str, seconds: float) -> timedelta:
    length = timedelta(seconds=seconds)
    if abs(length) > LONGEST:
        raise InvalidInput(name, seconds, "a number of seconds that come to at most a century")
    return length


def _instant(value: datetime | str) -> datetime:
    """A naive one is in UTC."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _inherit_family(app: Celery, given: dict[str, Any], declaration: Declaration) -> None:
    """Fill in root and parent from the task that makes the call, as Celery does."""
    parent = app.current_worker_task
    if parent is not None and parent.request.id:
        given["root_id"] = given.get("root_id") or parent.request.root_id or parent.request.id
        given["parent_id"] = given.get("parent_id") or parent.request.id


def _kept(given: Mapping[str, Any], declaration: Declaration) -> dict[str, Any]:
    kept = {name: given[name] for name in KEPT if given.get(name)}
    for name in ("link", "link_error"):
        if given.get(name):
            kept[name] = maybe_list(given[name])
    if given.get("stamped_headers"):
        kept["stamps"] = {name: given.get(name) for name in given["stamped_headers"]}
    return {**kept, **declaration.call_options}


def _queue_name(queue: Any) -> str:
    return queue if isinstance(queue, str) else getattr(queue, "name", "")


def _priority(given: Mapping[str, Any], declaration: Declaration) -> int:
    priority = given.get("priority")
    # A message's priority counts from 0 (first), the API's rises; ours is the API's.
    return declaration.priority if priority is None else 5 - int(priority)


def _uuid(value: Any) -> UUID | None:
    return UUID(str(value)) if value else None
