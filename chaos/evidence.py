"""What a chaos run leaves behind, gathered once so that all checks see the same."""

import json
import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from chaos.books import Attempt, Books, Change, Effect, Heartbeat, Run
from chaos.faults import Injected

FINAL = frozenset({"succeeded", "failed", "missed", "skipped", "cancelled", "lost", "timed_out"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A promise that was broken, how often, and the first cases."""

    promise: str
    what: str
    cases: Sequence[str]

    def __str__(self) -> str:
        more = f" and {len(self.cases) - 3} more" if len(self.cases) > 3 else ""
        return f"{self.promise} {self.what}: {len(self.cases)} ({'; '.join(self.cases[:3])}{more})"


def violations(promise: str, what: str, cases: Sequence[str]) -> list[Violation]:
    """Return one violation for all the cases, none if there are none."""
    return [Violation(promise=promise, what=what, cases=cases)] if cases else []


@dataclass(slots=True, kw_only=True)
class Evidence:
    """Ledger, history, effects and testimony of one run, and what was done to it.

    Everything ran from `started_at` on. What is due up to `until`, when the last fault had ended,
    has to be finished by `quiet_until`, when it was asked to stop. `read_at` is later.
    """

    started_at: datetime
    until: datetime
    quiet_until: datetime
    read_at: datetime
    runs: list[Run] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    history: list[Change] = field(default_factory=list)
    heartbeats: list[Heartbeat] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    calls: dict[str, str] = field(default_factory=dict)
    ledger_begins: dict[str, datetime] = field(default_factory=dict)
    flagged: set[str] = field(default_factory=set)
    witness: list[dict[str, Any]] = field(default_factory=list)
    injected: list[Injected] = field(default_factory=list)

    @classmethod
    def gather(
        cls,
        books: Books,
        witness: list[dict[str, Any]],
        injected: list[Injected],
        *,
        started_at: datetime,
        until: datetime,
        quiet_until: datetime,
    ) -> "Evidence":
        """Read everything. The system must stand still meanwhile."""
        return cls(
            started_at=started_at,
            until=until,
            quiet_until=quiet_until,
            read_at=books.now(),
            runs=books.runs(),
            attempts=books.attempts(),
            history=books.history(),
            heartbeats=books.heartbeats(),
            effects=books.effects(),
            calls=books.calls(),
            ledger_begins=books.ledger_begins(),
            flagged=books.flagged(),
            witness=witness,
            injected=injected,
        )

    def tables(self) -> dict[str, list[Any]]:
        """Return all of it by name, as dataclasses and dicts."""
        names = ("runs", "attempts", "history", "heartbeats", "effects", "witness", "injected")
        return {name: getattr(self, name) for name in names}

    def runs_of(self, job: str) -> list[Run]:
        """Return the runs of a job's timetable."""
        return [run for run in self.runs if run.job == job and run.origin == "timetable"]

    def by_run(self) -> dict[int, list[Attempt]]:
        """Return the ended tries by run."""
        found: dict[int, list[Attempt]] = defaultdict(list)
        for attempt in self.attempts:
            found[attempt.run_id].append(attempt)
        return found

    def said(self, *events: str) -> list[dict[str, Any]]:
        """Return what was witnessed of these events, in order."""
        return [line for line in self.witness if line["event"] in events]


def keep(place: Path, folder: Path, evidence: Evidence) -> None:
    """Leave the evidence in `place`, a JSON line for each row, with the logs of the processes."""
    place.mkdir(parents=True, exist_ok=True)
    for log in folder.glob("*/*.log"):
        shutil.copy(log, place / f"{log.parent.name}-{log.name}")
    for name, rows in evidence.tables().items():
        values = (row if isinstance(row, dict) else asdict(row) for row in rows)
        lines = [json.dumps(value, default=_as_text) for value in values]
        (place / f"{name}.jsonl").write_text("\n".join([*lines, ""]))


def _as_text(value: object) -> object:
    return sorted(value) if isinstance(value, set) else str(value)
