"""Channels, rules, a place that webhooks arrive at, and a memory that ends with each test."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from schedules.alerts.channels import create_channel
from schedules.alerts.rulebook import forget
from schedules.alerts.rules import create_rule
from schedules.models import AlertChannel, AlertRule

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """Rules of one test are not remembered in the next."""
    forget()
    yield
    forget()


@pytest.fixture
def mail_channel(db: None) -> AlertChannel:
    return create_channel(
        name="operators", kind="email", target="ops@example.com", by="test", source="code", now=NOON
    )


@pytest.fixture
def make_rule(mail_channel: AlertChannel) -> Callable[..., AlertRule]:
    def make(kind: str, **fields: Any) -> AlertRule:
        given = {"channels": [mail_channel], "by": "test", "source": "code", "now": NOON, **fields}
        rule = create_rule(kind=kind, **given)
        forget()
        return rule

    return make


class Receiver:
    """A web server that keeps what it is sent and answers as it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        self.headers: dict[str, str] = {}
        self.hang = threading.Event()
        self.hang.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.calls.append(({k.lower(): v for k, v in self.headers.items()}, body))
                receiver.hang.wait(30)
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def last(self) -> Any:
        return json.loads(self.calls[-1][1])


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """A receiver whose origin the settings trust."""
    made = Receiver()
    settings.SCHEDULES = {"alert_hosts": [made.origin, "*.example.com"]}
    yield made
    made.hang.set()
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def hook(receiver: Receiver, db: None) -> AlertChannel:
    return create_channel(
        name="hook",
        kind="webhook",
        target=f"{receiver.origin}/in?secret=1",
        by="test",
        source="code",
        now=NOON,
    )


@pytest.fixture
def minute() -> timedelta:
    return timedelta(minutes=1)
