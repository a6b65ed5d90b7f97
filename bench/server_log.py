"""Statements as the PostgreSQL server gets them, whoever sends them and however: its own log."""

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg

from project.devstack.postgres import Postgres

_LINE = re.compile(r"^(\S+ \S+) UTC \[\d+\] LOG:  (?:statement|execute)\b", re.MULTILINE)

_ENTRY = re.compile(
    r"^(?P<at>\S+ \S+) UTC \[(?P<pid>\d+)\] LOG:  duration: (?P<took>[\d.]+) ms"
    r"  (?P<step>\w+)[^:\n]*: (?P<text>.*(?:\n\t.*)*)",
    re.MULTILINE,
)
MOST_LETTERS = 160


@contextmanager
def logging_statements(server: Postgres) -> Iterator[None]:
    """Let the server log every statement for a while, BEGIN and COMMIT too."""
    _set(server, "ALTER SYSTEM SET log_statement = 'all'")
    try:
        yield
    finally:
        _set(server, "ALTER SYSTEM RESET log_statement")


@contextmanager
def timing_statements(server: Postgres) -> Iterator[None]:
    """Let the server log for a while how long each statement took it."""
    _set(server, "ALTER SYSTEM SET log_min_duration_statement = 0")
    try:
        yield
    finally:
        _set(server, "ALTER SYSTEM RESET log_min_duration_statement")


def durations_between(server: Postgres, begin: float, end: float) -> dict[str, list[float]]:
    """Return the milliseconds of each statement logged from `begin` to `end`, by its text: with its
    planning, without the way of its answer and the client's wait for a processor.
    """
    found = defaultdict(list)
    planning: dict[str, float] = defaultdict(float)
    for entry in _ENTRY.finditer((server.scratch / "log").read_text(errors="replace")):
        at = datetime.fromisoformat(entry["at"]).replace(tzinfo=UTC)
        if not begin <= at.timestamp() <= end:
            continue
        if entry["step"] in ("parse", "bind"):
            planning[entry["pid"]] += float(entry["took"])
            continue
        text = " ".join(entry["text"].split())[:MOST_LETTERS]
        found[text].append(planning.pop(entry["pid"], 0.0) + float(entry["took"]))
    return dict(found)


def count_between(server: Postgres, begin: float, end: float) -> int:
    """Return how many statements were logged from `begin` to `end`, in seconds of `time.time()`."""
    log = (server.scratch / "log").read_text(errors="replace")
    instants = (datetime.fromisoformat(at).replace(tzinfo=UTC) for at in _LINE.findall(log))
    return sum(begin <= instant.timestamp() <= end for instant in instants)


def _set(server: Postgres, statement: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(statement)
        connection.execute("SELECT pg_reload_conf()")
