"""Listens to each publication, as tracing and metrics packages do: then kombu's own API sends."""

from typing import Any

from celery.signals import after_task_publish


@after_task_publish.connect(weak=False)
def heard(**_: Any) -> None:
    """Do nothing with it."""
