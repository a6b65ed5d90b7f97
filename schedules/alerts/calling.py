"""Calling a webhook: one address, one try, no redirects, five seconds, 64 KB of answer.

Own code over `http.client`, because the libraries look the name up themselves: an answer that
changes between their check and their call would lead inside.
"""

import base64
import contextlib
import hmac
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from http.client import HTTPConnection, HTTPException
from uuid import UUID

from django.utils.crypto import salted_hmac

from schedules.alerts.targets import Target, addresses
from schedules.errors import Refused
from schedules.models import AlertChannel

PATIENCE = timedelta(seconds=5)
"""For everything together: connection, TLS, request and answer."""

MOST_BYTES = 64 * 1024
KEY_PREFIX = "whsec_"
AGENT = "downbeat"


class NotDelivered(Exception):
    """The message did not arrive, or nobody says that it did. `str()` says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said."""

    status: int
    reason: str
    beginning: str


def call(target: Target, body: bytes, headers: Mapping[str, str]) -> Answer:
    """POST the body and return the answer, whatever its status. Raises NotDelivered."""
    try:
        address = addresses(target)[0]
        with _connection(target, address) as connection:
            connection.request("POST", target.path, body, _all_headers(target, headers))
            response = connection.getresponse()
            beginning = response.read(MOST_BYTES).decode(errors="replace")
            return Answer(response.status, response.reason, beginning)
    except Refused as refusal:
        raise NotDelivered(str(refusal)) from refusal
    except TimeoutError:
        seconds = PATIENCE.total_seconds()
        raise NotDelivered(f"{target.host} did not answer within {seconds:g} s") from None
    except (OSError, HTTPException, UnicodeError) as error:
        raise NotDelivered(f"{target.host}: {type(error).__name__}: {error}") from error


def signed(channel: AlertChannel, body: bytes, *, message: UUID, at: datetime) -> dict[str, str]:
    """Return the headers by which a receiver knows that the body is ours and fresh.

    As the Standard Webhooks say it: HMAC-SHA256 over `id.timestamp.body`, base64, version 1.
    """
    stamp = str(int(at.timestamp()))
    content = b".".join((str(message).encode(), stamp.encode(), body))
    digest = hmac.digest(_key(channel), content, sha256)
    return {
        "webhook-id": str(message),
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def signing_secret(channel: AlertChannel) -> str:
    """Return the channel's key as receivers enter it. It is derived, and stored nowhere."""
    return KEY_PREFIX + base64.b64encode(_key(channel)).decode()


def _key(channel: AlertChannel) -> bytes:
    which = f"{channel.pk} {channel.created_at.isoformat()} {channel.key_number}"
    return salted_hmac("schedules.alerts.webhook", which, algorithm="sha256").digest()


def _all_headers(target: Target, headers: Mapping[str, str]) -> dict[str, str]:
    return {
        "Host": target.authority,
        "User-Agent": AGENT,
        "Content-Type": "application/json",
        "Connection": "close",
        **headers,
    }


@contextlib.contextmanager
def _connection(target: Target, address: str) -> Iterator[HTTPConnection]:
    """Connect to the address. When the time is up the socket is shut, wherever things stand.

    A socket's own time-out begins anew with every byte that a slow server sends.
    """
    seconds = PATIENCE.total_seconds()
    connection = HTTPConnection(target.host, target.port, timeout=seconds)
    connection.sock = socket.create_connection((address, target.port), timeout=seconds)
    is_over = threading.Event()

    def end() -> None:
        is_over.set()
        with contextlib.suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        if target.scheme == "https":
            context = ssl.create_default_context()
            connection.sock = context.wrap_socket(
                connection.sock, server_hostname=target.host, do_handshake_on_connect=False
            )
            connection.sock.do_handshake()
        yield connection
        if is_over.is_set():
            raise TimeoutError
    except (OSError, HTTPException) as error:
        if is_over.is_set():
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()
        connection.close()
