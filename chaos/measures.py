"""Figures of a run: how late, how soon recovered, how often sent again."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chaos.books import Run
from chaos.evidence import Evidence
from chaos.expected import percentile
from chaos.faults import Injected
from chaos.workload import PULSE, SAMPLES

SETTLED = timedelta(seconds=20)
"""How long after the last fault of a burst lateness counts as that of a quiet system."""

AFTERMATH = timedelta(seconds=5)
"""How long after a fault's end what is due counts as under its influence."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles of some seconds."""

    count: int
    p50: float
    p95: float
    p99: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Return the percentiles of `values`."""
        found = list(values)
        return cls(
            len(found),
            *(round(percentile(found, share), 3) for share in (0.5, 0.95, 0.99, 1.0)),
        )

    def __str__(self) -> str:
        if not self.count:
            return "none"
        return f"p50 {self.p50:.2f}  p95 {self.p95:.2f}  p99 {self.p99:.2f}  max {self.most:.2f} s"


def burst_ends(injected: Sequence[Sequence[Injected]]) -> list[datetime]:
    """Return when the last fault of each burst ended."""
    return [max(note.ended_at for note in burst) for burst in injected if burst]


def recoveries(evidence: Evidence, instants: Iterable[datetime]) -> list[float | None]:
    """Return for each instant the seconds until a pulse that was due later had succeeded."""
    pulses = sorted(
        (run.scheduled_at, run.finished_at)
        for run in evidence.runs_of(PULSE)
        if run.state == "succeeded" and run.finished_at is not None
    )
    found: list[float | None] = []
    for instant in instants:
        ends = [end for due, end in pulses if due >= instant]
        found.append((min(ends) - instant).total_seconds() if ends else None)
    return found


def first_starts(evidence: Evidence) -> dict[int, datetime]:
    """Return when each run began for the first time."""
    found: dict[int, datetime] = {}
    for change in evidence.history:
        if change.new == "running":
            found.setdefault(change.run_id, change.at)
    return found


def lateness(evidence: Evidence) -> list[tuple[datetime, float]]:
    """Return when runs were due that only the system may delay, and how late they began."""
    starts = first_starts(evidence)
    return [
        (run.due_at, (starts[run.id] - run.due_at).total_seconds())
        for run in evidence.runs
        if run.id in starts
        and run.job in SAMPLES
        and SAMPLES[run.job].unobstructed
        and evidence.started_at <= run.due_at <= evidence.quiet_until - AFTERMATH
    ]


def quiet_lateness(
    late: Sequence[tuple[datetime, float]],
    bursts: Sequence[Sequence[Injected]],
    *,
    started_at: datetime,
) -> Spread:
    """Return the lateness before, between and after bursts, once each, and the start, had settled:
    a process that has just begun imports with its first runs.
    """
    troubled = [(started_at, started_at + SETTLED)]
    troubled += [
        (burst[0].began_at - AFTERMATH, max(note.ended_at for note in burst) + SETTLED)
        for burst in bursts
        if burst
    ]
    return Spread.of(
        seconds for due, seconds in late if not any(a <= due <= b for a, b in troubled)
    )


def by_kind(
    evidence: Evidence, late: Sequence[tuple[datetime, float]]
) -> dict[str, dict[str, object]]:
    """Return for each kind of fault how often it was done, lateness under it, recovery after it.

    Faults of a burst overlap, so a figure also shows what came beside and after.
    """
    notes: dict[str, list[Injected]] = defaultdict(list)
    for note in evidence.injected:
        notes[note.kind].append(note)
    table: dict[str, dict[str, object]] = {}
    for kind, all_of_kind in sorted(notes.items()):
        under = Spread.of(
            seconds
            for due, seconds in late
            if any(n.began_at <= due <= n.ended_at + AFTERMATH for n in all_of_kind)
        )
        after = recoveries(evidence, [note.ended_at for note in all_of_kind])
        table[kind] = {
            "faults": len(all_of_kind),
            "lateness": under,
            "recovery": Spread.of(seconds for seconds in after if seconds is not None),
        }
    return table


def states(runs: Iterable[Run]) -> dict[str, int]:
    """Return how many rows there are of each state."""
    return dict(sorted(Counter(run.state for run in runs).items()))


def sent_again(runs: Iterable[Run]) -> int:
    """Return how many times the broker was told of a run once more."""
    return sum(max(run.sends - 1, 0) for run in runs)
