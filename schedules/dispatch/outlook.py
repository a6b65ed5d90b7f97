"""What a tick of Beat finds to do, in one statement: it is asked twice a second, all day long."""

# The statements are put together from names of ours.
# ruff: noqa: S608
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from django.db import connection

from schedules.models import Backfill, Job, Run, Touched
from schedules.querysets.clock import as_instant, database_now, sql_now
from schedules.querysets.statements import prepared_cursor

FARTHEST = timedelta(days=1)
"""How far ahead is looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
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
    # Not prepared: a plan made while the ledger was empty would look through all that a burst has
    # written since, at every tick, until the table is analysed.
    with connection.cursor() as cursor:
        cursor.execute(_for_postgresql())
        now, has_edits, has_due, has_outbox, has_backfills, seconds = cursor.fetchone()
    return Outlook(
        now=now.astimezone(UTC),
        has_edits=has_edits,
        has_due=bool(has_due),
        has_outbox=bool(has_outbox),
        has_backfills=has_backfills,
        next_in=timedelta(seconds=seconds),
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
    # With an end that is near, since "infinity" is a date there and cannot be reckoned with.
    return f"""
        WITH clock AS MATERIALIZED (SELECT clock_timestamp() AS now),
        following AS MATERIALIZED (SELECT {_first_due()} AS due_at, {_first_to_offer()} AS offer_at)
        SELECT now, {_any_edit()}, due_at <= now, offer_at <= now, {_any_backfill()},
            EXTRACT(EPOCH FROM GREATEST(
                LEAST(due_at, offer_at, now + INTERVAL '{FARTHEST.days} day'), now
            ) - now)::float8
        FROM clock, following"""


@cache
def _for_sqlite() -> str:
    # Compared there and not here: a column may hold what is no date.
    return f"""
        SELECT {_any_edit()},
            EXISTS (SELECT 1 FROM {Job._meta.db_table} WHERE next_due_at <= %s),
            EXISTS (SELECT 1 FROM {Run._meta.db_table} WHERE publish_at <= %s),
            {_any_backfill()}, {_first_due()}, {_first_to_offer()}"""


def _any_edit() -> str:
    return f"EXISTS (SELECT 1 FROM {Touched._meta.db_table})"


def _any_backfill() -> str:
    return f"EXISTS (SELECT 1 FROM {Backfill._meta.db_table} WHERE ended_at IS NULL)"


def _first_due() -> str:
    table = Job._meta.db_table
    return f"(SELECT min(next_due_at) FROM {table} WHERE next_due_at IS NOT NULL)"


def _first_to_offer() -> str:
    table = Run._meta.db_table
    return f"(SELECT min(publish_at) FROM {table} WHERE publish_at IS NOT NULL)"


def _instants(found: Iterable[object]) -> Iterable[datetime]:
    for text in found:
        with suppress(ValueError):  # found and set aside by `BrokenRows`
            instant = as_instant(text)
            if instant is not None:
                yield instant
