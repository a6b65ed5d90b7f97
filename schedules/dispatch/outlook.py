"""What a tick of Beat finds to do, in one statement: it is asked twice a second, all day long."""

# The statements are put together from names of ours.
# ruff: noqa: S608
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from math import inf
from typing import NamedTuple

from django.db import connection
from django.db.models import Model

from schedules.models import Backfill, Job, Run, Touched
from schedules.querysets.clock import as_instant, database_now, sql_now
from schedules.querysets.statements import planned_anew, prepared_cursor

FARTHEST = timedelta(days=1)
"""How far ahead is looked."""


class Outlook(NamedTuple):
    """What there is to do at `now`, by the database's clock, and when there is more."""

    now: datetime
    has_edits: bool
    """Whether periodic tasks were touched."""
    has_due: bool
    """Whether a job is due."""
    has_outbox: bool
    """Whether a run is to be offered to the broker."""
    has_backfills: bool
    """Whether a backfill is open."""
    next_in: timedelta
    """How long it is from `now` until a job is due or a run is to be offered, at most a day."""


def look_ahead() -> Outlook:
    """Ask the database what there is to do. It costs the same however many jobs and runs exist."""
    look = _look_in_sqlite if connection.vendor == "sqlite" else _look_in_postgresql
    return look()


def _look_in_postgresql() -> Outlook:
    with planned_anew(connection) as cursor:
        cursor.execute(_for_postgresql())
        now, has_edits, has_backfills, *following = cursor.fetchone()
    since = now.timestamp()
    due_in, offer_in = (inf if at is None else at - since for at in following)
    return Outlook(
        now=now.astimezone(UTC),
        has_edits=has_edits,
        has_due=due_in <= 0,
        has_outbox=offer_in <= 0,
        has_backfills=has_backfills,
        next_in=timedelta(seconds=max(0.0, min(due_in, offer_in, FARTHEST.total_seconds()))),
    )


def _look_in_sqlite() -> Outlook:
    now = database_now()
    with prepared_cursor(connection) as cursor:
        cursor.execute(_for_sqlite(), sql_now("sqlite")[1] * 2)
        has_edits, has_due, has_outbox, has_backfills, *following = cursor.fetchone()
    return Outlook(
        now=now,
        has_edits=bool(has_edits),
        has_due=bool(has_due),
        has_outbox=bool(has_outbox),
        has_backfills=bool(has_backfills),
        next_in=min((max(at - now, timedelta(0)) for at in _instants(following)), default=FARTHEST),
    )


@cache
def _for_postgresql() -> str:
    # What the server was asked to reckon itself took longer to plan than to look for. In seconds,
    # since "infinity" is a date there and none here.
    return f"""
        SELECT clock_timestamp(), {_any_edit()}, {_any_backfill()},
            EXTRACT(EPOCH FROM {_first(Job, "next_due_at")})::float8,
            EXTRACT(EPOCH FROM {_first(Run, "publish_at")})::float8"""


@cache
def _for_sqlite() -> str:
    # Compared there and not here: a column may hold what is no date.
    return f"""
        SELECT {_any_edit()},
            EXISTS (SELECT 1 FROM {Job._meta.db_table} WHERE next_due_at <= %s),
            EXISTS (SELECT 1 FROM {Run._meta.db_table} WHERE publish_at <= %s),
            {_any_backfill()}, {_least(Job, "next_due_at")}, {_least(Run, "publish_at")}"""


def _any_edit() -> str:
    return f"EXISTS (SELECT 1 FROM {Touched._meta.db_table})"


def _any_backfill() -> str:
    return f"EXISTS (SELECT 1 FROM {Backfill._meta.db_table} WHERE ended_at IS NULL)"


def _first(model: type[Model], column: str) -> str:
    # For a min() PostgreSQL makes two plans.
    table = model._meta.db_table
    return f"(SELECT {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY {column} LIMIT 1)"


def _least(model: type[Model], column: str) -> str:
    # Of a column itself SQLite tells the type, and Python's module would read a date.
    return f"(SELECT min({column}) FROM {model._meta.db_table} WHERE {column} IS NOT NULL)"


def _instants(found: Iterable[object]) -> Iterable[datetime]:
    for text in found:
        with suppress(ValueError):  # found and set aside by `BrokenRows`
            instant = as_instant(text)
            if instant is not None:
                yield instant
