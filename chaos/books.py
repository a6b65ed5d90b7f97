"""Reading and preparing the database by plain SQL: the ledger as it stands, and a history of it
that triggers write.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A row of the ledger."""

    id: int
    task_id: str
    job: str
    task: str
    origin: str
    state: str
    scheduled_at: datetime
    until: datetime | None
    count: int
    due_at: datetime
    attempt: int
    sends: int
    started_at: datetime | None
    finished_at: datetime | None
    args: list[Any]
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An ended try."""

    run_id: int
    number: int
    instance: str
    pid: int | None
    started_at: datetime
    ended_at: datetime
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of a run's state or attempt, as a trigger saw it; `old` is "" for a new row."""

    run_id: int
    job: str
    old: str
    new: str
    attempt: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """What an instance last said of itself, and when."""

    instance: str
    status: str
    heartbeat_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A row that a body wrote."""

    id: int
    run: str
    attempt: int
    job: str
    subject: str


class Books:
    """One system's database: a PostgreSQL's address or the path of an SQLite file."""

    def __init__(self, place: str | Path) -> None:
        self.place = place

    @property
    def is_postgres(self) -> bool:
        """Whether it is a PostgreSQL."""
        return isinstance(self.place, str)

    def prepare(self, *statements: str) -> None:
        """Execute statements, each by itself."""
        with self._connected() as connection:
            for statement in statements:
                connection.execute(statement)

    def rows(self, query: str) -> list[Row]:
        """Return what a query finds. Raises OSError while the database is away."""
        try:
            with self._connected() as connection:
                return list(connection.execute(query).fetchall())
        except (psycopg.Error, sqlite3.Error) as error:
            raise OSError(str(error)) from error

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        if isinstance(self.place, Path):
            file = sqlite3.connect(self.place, timeout=20, isolation_level=None)
            try:
                yield file
            finally:
                file.close()
            return
        with psycopg.connect(self.place, autocommit=True, connect_timeout=5) as connection:
            yield connection

    def runs(self) -> list[Run]:
        """Return the ledger."""
        query = (
            "SELECT r.id, r.task_id, r.job_key, r.task, r.origin, r.state, r.scheduled_at, r.until,"
            " r.count, r.due_at, r.attempt, r.sends, r.started_at, r.finished_at, r.args,"
            " r.error"
            " FROM schedules_run r ORDER BY r.id"
        )
        return [
            Run(
                id=row[0],
                task_id=_hex(row[1]),
                job=row[2],
                task=row[3],
                origin=row[4],
                state=row[5],
                scheduled_at=_instant(row[6]),
                until=None if row[7] is None else _instant(row[7]),
                count=row[8],
                due_at=_instant(row[9]),
                attempt=row[10],
                sends=row[11],
                started_at=None if row[12] is None else _instant(row[12]),
                finished_at=None if row[13] is None else _instant(row[13]),
                args=row[14] if isinstance(row[14], list) else json.loads(row[14]),
                error=row[15],
            )
            for row in self.rows(query)
        ]

    def attempts(self) -> list[Attempt]:
        """Return the ended tries, each run's in order."""
        query = (
            "SELECT run_id, number, instance_id, pid, started_at, ended_at, outcome"
            " FROM schedules_attempt ORDER BY run_id, number, id"
        )
        return [
            Attempt(
                run_id=row[0],
                number=row[1],
                instance=_hex(row[2]),
                pid=row[3],
                started_at=_instant(row[4]),
                ended_at=_instant(row[5]),
                outcome=row[6],
            )
            for row in self.rows(query)
        ]

    def history(self) -> list[Change]:
        """Return all changes of runs, each run's in order."""
        query = (
            "SELECT h.run_id, COALESCE(j.key, ''), h.old, h.new, h.attempt, h.at"
            " FROM chaos_history h LEFT JOIN schedules_job j ON j.id = h.job_id ORDER BY h.id"
        )
        return [
            Change(
                run_id=row[0],
                job=row[1],
                old=row[2],
                new=row[3],
                attempt=row[4],
                at=_instant(row[5]),
            )
            for row in self.rows(query)
        ]

    def heartbeats(self) -> list[Heartbeat]:
        """Return what instances said of themselves, in order."""
        query = "SELECT instance_id, status, heartbeat_at, at FROM chaos_lease ORDER BY id"
        return [
            Heartbeat(
                instance=_hex(row[0]),
                status=row[1],
                heartbeat_at=_instant(row[2]),
                at=_instant(row[3]),
            )
            for row in self.rows(query)
        ]

    def effects(self) -> list[Effect]:
        """Return what bodies wrote, in order."""
        query = "SELECT id, run, attempt, job, subject FROM chaos_effect ORDER BY id"
        return [
            Effect(id=row[0], run=row[1], attempt=row[2], job=row[3], subject=row[4])
            for row in self.rows(query)
        ]

    def calls(self, *, until: datetime | None = None) -> dict[str, str]:
        """Return the kinds of the calls that the client committed (by an instant), by their ids."""
        found = self.rows("SELECT call, kind, at FROM chaos_call")
        return {call: kind for call, kind, at in found if until is None or _instant(at) <= until}

    def ledger_begins(self) -> dict[str, datetime]:
        """Return from when on each job's occurrences have rows, by its key."""
        found = self.rows(
            "SELECT key, ledger_from FROM schedules_job WHERE ledger_from IS NOT NULL"
        )
        return {key: _instant(at) for key, at in found}

    def flagged(self) -> set[str]:
        """Return the keys of the jobs that the product wants a person to look at."""
        return {
            key for (key,) in self.rows("SELECT key FROM schedules_job WHERE flagged_reason <> ''")
        }

    def now(self) -> datetime:
        """Return the database's present instant. Raises OSError while it is away."""
        query = "SELECT clock_timestamp()" if self.is_postgres else _SQLITE_NOW
        return _instant(self.rows(query)[0][0])


_SQLITE_NOW = "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')"


def _instant(value: datetime | str) -> datetime:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _hex(value: UUID | str | None) -> str:
    return "" if value is None else UUID(str(value)).hex
