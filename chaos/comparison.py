"""The product and the plain system under the same faults, measured by what bodies left behind.

Effects, testimony and calls count here, which both systems have. The product's rows say besides for
which occurrence a body was executed, and why one was not; the plain system has no such rows, so its
bodies are counted by when they ended.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chaos.books import Books
from chaos.expected import occurrences
from chaos.measures import Spread
from chaos.workload import CHAIN, ONE_OFF, PULSE, SAMPLES, SWITCHED

LEFT_OUT = frozenset({SWITCHED, "poison", "cancel_running"})
"""Jobs that are switched off, killed and cancelled on purpose."""

EDGES = 1
"""Occurrences of a job that may fall to either side of the first and the last moment."""

Testimony = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What is compared: occurrences up to the end of quiet, and calls up to its begin.

    `began_at`, `calm_at` (the ends of bursts) and `quiet_at` (the end of quiet) are by the
    witnesses' clock.
    """

    since: datetime
    calls_until: datetime
    until: datetime
    began_at: float
    calm_at: Sequence[float]
    quiet_at: float


@dataclass(slots=True, kw_only=True)
class Column:
    """One system's figures."""

    due: int = 0
    executed: int = 0
    said_why_not: int = 0
    without_a_trace: int = 0
    too_often: int = 0
    calls: int = 0
    calls_lost: int = 0
    calls_twice: int = 0
    calls_after_cancel: int = 0
    chains: int = 0
    chains_broken: int = 0
    overlaps: int = 0
    recovery: Spread = field(default_factory=lambda: Spread.of([]))

    def lines(self) -> list[tuple[str, str]]:
        """Return the figures with their names."""
        return [
            ("occurrences due", str(self.due)),
            ("  executed", str(self.executed)),
            ("  not executed, with a row that says why", str(self.said_why_not)),
            ("  not executed, without a trace", str(self.without_a_trace)),
            ("  executed beyond what was due", str(self.too_often)),
            ("calls whose transaction committed", str(self.calls)),
            ("  never executed", str(self.calls_lost)),
            ("  executed twice", str(self.calls_twice)),
            ("  executed after they were taken back", str(self.calls_after_cancel)),
            ("chains", str(self.chains)),
            ("  not finished", str(self.chains_broken)),
            ("bodies of one job at once that may not be", str(self.overlaps)),
            ("recovery after a burst", str(self.recovery)),
        ]


def column(books: Books, witness: Testimony, period: Period, *, has_ledger: bool) -> Column:
    """Return the figures of one system."""
    made = Column(recovery=_recovery(witness, period))
    _count_occurrences(made, books, witness, period, has_ledger=has_ledger)
    _count_calls(made, books, witness, period)
    made.overlaps = sum(1 for _ in overlapping(witness))
    return made


def _count_occurrences(
    made: Column, books: Books, witness: Testimony, period: Period, *, has_ledger: bool
) -> None:
    explained: Counter[str] = Counter()
    of_period: set[str] | None = None
    if has_ledger:
        explained, of_period = _ledger(books, period)
    done: dict[str, set[str]] = defaultdict(set)
    for line in witness:
        counts = (
            period.began_at <= line["at"] <= period.quiet_at
            if of_period is None
            else line.get("run") in of_period
        )
        if line["event"] == "end" and counts:
            done[line["job"]].add(line["run"])
    for key, sample in SAMPLES.items():
        if key in LEFT_OUT:
            continue
        due = sum(1 for _ in occurrences(sample, after=period.since, until=period.until))
        executed = len(done[key])
        gap = due - executed
        said = min(explained[key], max(gap, 0))
        made.due += due
        made.executed += min(executed, due)
        made.said_why_not += said
        made.without_a_trace += max(gap - said - EDGES, 0)
        made.too_often += max(-gap - EDGES, 0)


def _ledger(books: Books, period: Period) -> tuple[Counter[str], set[str]]:
    """Return how many occurrences of each job have a row with another outcome than success (each of
    a range by itself), and the ids of all runs of the period.
    """
    explained: Counter[str] = Counter()
    runs = [run for run in books.runs() if period.since < run.scheduled_at <= period.until]
    for run in runs:
        if run.state != "succeeded":
            explained[run.job] += run.count
    return explained, {run.task_id for run in runs}


def _count_calls(made: Column, books: Books, witness: Testimony, period: Period) -> None:
    steps: dict[str, Counter[int]] = defaultdict(Counter)
    for effect in books.effects():
        if effect.job == ONE_OFF:
            call, _, step = effect.subject.partition("/")
            steps[call][int(step)] += 1
    cancelled = {line["call"]: line["at"] for line in witness if line["event"] == "cancelled"}
    begun = {line["run"]: line["at"] for line in witness if line["event"] == "begin"}
    for call, kind in books.calls(until=period.calls_until).items():
        if kind == "chain":
            made.chains += 1
            made.chains_broken += len(steps[call]) < CHAIN
            continue
        made.calls += 1
        made.calls_lost += not steps[call] and call not in cancelled
        made.calls_twice += steps[call][0] > 1
        made.calls_after_cancel += begun.get(call, 0.0) > cancelled.get(call, float("inf"))


def overlapping(witness: Testimony) -> Iterator[str]:
    """Yield a job for each body of it that began while another was certainly at work.

    Only for jobs of which one may run at a time. A body that never ended was killed, nobody knows
    when, so it counts for nothing.
    """
    alone = {key for key, sample in SAMPLES.items() if sample.max_instances == 1}
    ends = {(x["run"], x["attempt"]): x["at"] for x in witness if x["event"] == "end"}
    bodies = sorted(
        (line["job"], line["at"], ends[line["run"], line["attempt"]])
        for line in witness
        if line["event"] == "begin"
        and line["job"] in alone - LEFT_OUT
        and (line["run"], line["attempt"]) in ends
    )
    latest: dict[str, float] = {}
    for job, begin, end in bodies:
        if begin < latest.get(job, 0.0):
            yield job
        latest[job] = max(end, latest.get(job, 0.0))


def _recovery(witness: Testimony, period: Period) -> Spread:
    pulses = [line["at"] for line in witness if line["event"] == "end" and line["job"] == PULSE]
    found: list[float] = []
    for calm in period.calm_at:
        later = [at - calm for at in pulses if at >= calm]
        found += [min(later)] if later else []
    return Spread.of(found)
