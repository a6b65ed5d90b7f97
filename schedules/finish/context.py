"""A run as Celery's request context: what the message would have said, read from the row."""

from typing import TYPE_CHECKING, Any

from celery.app.task import Context
from celery.utils.saferepr import saferepr

from schedules.redaction import redact

if TYPE_CHECKING:
    from schedules.models import Run

FOLLOW_UPS: dict[str, Any] = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
"""What a request loses once its run has ended, so that Celery's tracer does not send it again."""

LONGEST_SHOWN = 1024
"""Characters of the arguments in a task result: Celery's own limit."""


def message_fields(run: "Run") -> dict[str, Any]:
    """Return the request attributes that come from the row. Whatever a message claimed is
    overwritten.
    """
    # What only SQL could have written keeps no run from its end.
    options = run.options if isinstance(run.options, dict) else {}
    task_id = str(run.task_id)
    return {
        "id": task_id,
        "task": run.task,
        "args": run.args,
        "kwargs": run.kwargs,
        "argsrepr": _shown(run.args),
        "kwargsrepr": _shown(run.kwargs),
        "root_id": options.get("root_id") or task_id,
        "parent_id": options.get("parent_id"),
        "group": options.get("group_id"),
        "group_index": options.get("group_index"),
        "callbacks": options.get("link"),
        "errbacks": options.get("link_error"),
        "chain": options.get("chain"),
        "chord": options.get("chord"),
        "headers": options.get("headers") or {},
        "retries": run.retries,
        "replaced_task_nesting": options.get("replaced_task_nesting", 0),
        "stamped_headers": options.get("stamped_headers"),
        "stamps": options.get("stamps") or {},
        "periodic_task_name": run.job_key or None,
        "ignore_result": False,
        "expires": None,
        "called_directly": False,
    }


def has_follow_ups(run: "Run") -> bool:
    """Whether other runs wait for this one's end, as a chain's or a chord's do."""
    fields = message_fields(run)
    return any(fields[name] for name in FOLLOW_UPS)


def _shown(arguments: Any) -> str:
    """Return the arguments as Celery shows them; short ones in a tenth of the time it takes."""
    text = repr(arguments)
    return redact(text if len(text) <= LONGEST_SHOWN else saferepr(arguments, LONGEST_SHOWN))


def message_context(run: "Run") -> Context:
    """Return a whole request for a run that this process does not execute."""
    return Context(message_fields(run), delivery_info={"priority": run.priority}, hostname=None)
