"""All checks and all figures of one run, as they are printed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from chaos import effects, measures, oracle
from chaos.evidence import Evidence, Violation, violations
from chaos.faults import Injected
from chaos.measures import Spread

RECOVERY_SECONDS = 15.0
LATENESS_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class Judgement:
    """What is true of a run. `violations` decides; the rest is for reading."""

    faults: int
    occurrences: int
    rows: int
    states: dict[str, int]
    attempts: dict[str, int]
    sent_again: int
    superseded: int
    calls: int
    quiet_lateness: Spread
    recovery: Spread
    kinds: dict[str, dict[str, object]]
    violations: list[Violation] = field(default_factory=list)


def judge(
    evidence: Evidence, bursts: Sequence[Sequence[Injected]], *, in_time: bool, superseded: int
) -> Judgement:
    """Check everything; with `in_time` the promised times as well."""
    occurrences, found = oracle.check_occurrences(evidence)
    for check in (
        oracle.check_outcomes,
        oracle.check_attempts,
        oracle.check_leases,
        effects.check_effects,
        effects.check_witness,
        effects.check_calls,
        oracle.check_overlap,
        oracle.check_switching,
        oracle.check_order,
    ):
        found += check(evidence)
    late = measures.lateness(evidence)
    quiet = measures.quiet_lateness(late, bursts, started_at=evidence.started_at)
    ends = measures.recoveries(evidence, measures.burst_ends(bursts))
    recovery = Spread.of(seconds for seconds in ends if seconds is not None)
    if in_time:
        found += _late(quiet, recovery, never=ends.count(None))
    tries: dict[str, int] = {}
    for attempt in evidence.attempts:
        tries[attempt.outcome] = tries.get(attempt.outcome, 0) + 1
    return Judgement(
        faults=len(evidence.injected),
        occurrences=occurrences,
        rows=len(evidence.runs),
        states=measures.states(evidence.runs),
        attempts=dict(sorted(tries.items())),
        sent_again=measures.sent_again(evidence.runs),
        superseded=superseded,
        calls=len(evidence.calls),
        quiet_lateness=quiet,
        recovery=recovery,
        kinds=measures.by_kind(evidence, late),
        violations=found,
    )


def _late(quiet: Spread, recovery: Spread, *, never: int) -> list[Violation]:
    cases = []
    if quiet.p99 > LATENESS_SECONDS:
        cases.append(f"p99 is {quiet.p99} s, promised {LATENESS_SECONDS:g}")
    found = violations("P6", "late when quiet", cases)
    slow = [f"after {never} bursts never"] if never else []
    if recovery.p95 > RECOVERY_SECONDS:
        slow.append(f"p95 is {recovery.p95} s, promised {RECOVERY_SECONDS:g}")
    return found + violations("P7", "recovery", slow)
