"""Whether the database and the broker that live elsewhere answer, asked before anything starts."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from project.env import without_password
from schedules.errors import InvalidInput

PATIENCE = timedelta(seconds=5)


class NoAnswer(Exception):
    """A server that was named does not answer; the message is the one line that a person reads."""

    def __init__(self, name: str, url: str, why: str) -> None:
        accepted = f"nothing usable answers there ({why}); start it, or correct the address"
        super().__init__(str(InvalidInput(name, without_password(url), accepted)))


def check_database(name: str, url: str, settings: Mapping[str, Any]) -> None:
    """Raise NoAnswer unless the PostgreSQL of these Django settings lets us in.

    `name` is the variable that holds its `url`. A file needs no server.
    """
    if not settings["ENGINE"].endswith("postgresql"):
        return
    import psycopg  # not before it is needed: loading it takes a warm start's tenth of a second

    parameters = {
        "dbname": settings["NAME"],
        "host": settings["HOST"],
        "port": settings["PORT"],
        "user": settings["USER"],
        "password": settings["PASSWORD"],
        **settings.get("OPTIONS", {}),
        "connect_timeout": int(PATIENCE.total_seconds()),
    }
    known = {key: value for key, value in parameters.items() if value not in ("", None)}
    try:
        psycopg.connect(**known).close()
    except psycopg.Error as error:
        raise NoAnswer(name, url, _first_line(error)) from error


def check_broker(name: str, url: str, options: Mapping[str, Any]) -> None:
    """Raise NoAnswer unless the broker at `url` lets us in.

    `name` is the variable that holds it, `options` are its transport's.
    """
    from kombu import Connection
    from kombu.exceptions import KombuError, OperationalError

    seconds = PATIENCE.total_seconds()
    limits = {"socket_timeout": seconds, "socket_connect_timeout": seconds}
    given = dict(options) if url.startswith("amqp") else {**options, **limits}
    try:
        with Connection(url, transport_options=given, connect_timeout=seconds) as connection:
            channel: Any = connection.default_channel
            if hasattr(channel, "client"):  # Redis connects at the first command
                channel.client.ping()
    except (OperationalError, KombuError, OSError, ValueError) as error:
        raise NoAnswer(name, url, _first_line(error)) from error


def _first_line(error: Exception) -> str:
    """Return what a library says, without its hints and its full stop."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].strip().rstrip(".")
