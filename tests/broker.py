"""The embedded broker for tests, and this process as its client."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from celery import current_app
from django.conf import settings

from project.devstack.broker import embedded_broker
from project.devstack.waiting import wait_until


@contextmanager
def running_broker(folder: Path) -> Iterator[str]:
    """Start a broker that keeps its files in `folder`; yields its address, to which we speak."""
    server = embedded_broker(folder)
    with subprocess.Popen(
        server.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_until(lambda: asyncio.run(server.is_ready()), what="the broker's answer")
            with speaking_to(server.url):
                yield server.url
        finally:
            process.terminate()


@contextmanager
def speaking_to(url: str) -> Iterator[None]:
    """Let this process's Celery app speak to the broker at `url`."""
    _use(url, transport=None)
    try:
        yield
    finally:
        _use(settings.CELERY_BROKER_URL, transport=settings.CELERY_BROKER_TRANSPORT)


def _use(url: str, *, transport: str | None) -> None:
    most = 9 if url.startswith("amqp") else None  # as project.settings has it
    options = {} if most else settings.CELERY_BROKER_TRANSPORT_OPTIONS
    current_app.conf.update(
        broker_url=url,
        broker_transport=transport,
        broker_transport_options=options,
        task_queue_max_priority=most,
    )
    app: Any = current_app
    app._pool = app.amqp._producer_pool = None
    app.__dict__.pop("amqp", None)  # its queues are declared anew, with the priorities of now
