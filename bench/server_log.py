"""Statements as the PostgreSQL server gets them, whoever sends them and however: its own log."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg

from project.devstack.postgres import Postgres

_LINE = re.compile(r"^(\S+ \S+) UTC \[\d+\] LOG:  (?:statement|execute)\b", re.MULTILINE)


@contextmanager
def logging_statements(server: Postgres) -> Iterator[None]:
    """Let the server log every statement for a while, BEGIN and COMMIT too."""
    _set(server, "ALTER SYSTEM SET log_statement = 'all'")
    try:
        yield
    finally:
        _set(server, "ALTER SYSTEM RESET log_statement")


def count_between(server: Postgres, begin: float, end: float) -> int:
    """Return how many statements were logged from `begin` to `end`, in seconds of `time.time()`."""
    log = (server.scratch / "log").read_text(errors="replace")
    instants = (datetime.fromisoformat(at).replace(tzinfo=UTC) for at in _LINE.findall(log))
    return sum(begin <= instant.timestamp() <= end for instant in instants)


def _set(server: Postgres, statement: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(statement)
        connection.execute("SELECT pg_reload_conf()")
