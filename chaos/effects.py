"""The checks of what bodies did, against what the ledger says they did."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator

from chaos.books import Run
from chaos.evidence import FINAL, Evidence, Violation, violations
from chaos.workload import CHAIN, ONE_OFF, SAMPLES

LEAVES_EFFECT = frozenset({"atomic", "fenced", "flaky"})
"""Bodies whose effect is one commit with their success."""


def check_effects(evidence: Evidence) -> list[Violation]:
    """P4: a run that succeeded has left one effect, any other none; what may not run twice has not
    begun twice.
    """
    effects = Counter(effect.run for effect in evidence.effects)
    begun = Counter(line["run"] for line in evidence.said("begin"))
    known = {run.task_id for run in evidence.runs}
    wrong: list[str] = []
    twice: list[str] = []
    for run in evidence.runs:
        kind = _body(run)
        if kind in LEAVES_EFFECT:
            wanted = 1 if run.state == "succeeded" else 0
            if effects[run.task_id] != wanted:
                wrong.append(f"{_name(run)} is {run.state}, effects {effects[run.task_id]}")
        elif kind == "once" and begun[run.task_id] > 1:
            twice.append(f"{_name(run)} {begun[run.task_id]} times")
    wrong += [f"effect of an unknown run {run}" for run in effects if run not in known]
    return [
        *violations("P4", "effects", wrong),
        *violations("P4", "began twice though it may not", twice),
    ]


def check_witness(evidence: Evidence) -> list[Violation]:
    """The log does not lie: each try that it tells of was witnessed, and each that was witnessed
    it tells of.
    """
    runs = {run.task_id: run for run in evidence.runs}
    ids = {run.id: run.task_id for run in evidence.runs}
    ours = {run.id for run in evidence.runs if _body(run)}
    logged = {(ids[a.run_id], a.number): a.outcome for a in evidence.attempts if a.run_id in ids}
    logged |= {
        (run.task_id, run.attempt): run.state for run in evidence.runs if run.state == "running"
    }
    begun = {(line["run"], line["attempt"]) for line in evidence.said("begin")}
    ended = {(line["run"], line["attempt"]) for line in evidence.said("end")}
    unlogged = [
        f"{_name(runs[run]) if run in runs else run} try {number}"
        for run, number in begun - logged.keys()
    ]
    succeeded = [
        (run.task_id, run.attempt)
        for run in evidence.runs
        if run.state == "succeeded" and run.id in ours
    ]
    # A body that committed its success itself may be killed before it says that it has ended.
    unseen = [
        f"{_name(runs[run])} try {number}"
        for run, number in succeeded
        if (run, number) not in begun
    ]
    unseen += [
        f"{_name(runs[run])} try {number} did not end"
        for run, number in succeeded
        if (run, number) not in ended and _body(runs[run]) != "fenced"
    ]
    return [
        *violations("log", "executed, but not in the log", unlogged),
        *violations("log", "succeeded in the log, but not witnessed", unseen),
    ]


def check_calls(evidence: Evidence) -> list[Violation]:
    """P2, P4, P12 for the client's calls: each was kept, executed once, or taken back for good."""
    lost = [
        f"{line['kind']} {line['call'][:8]}"
        for line in evidence.said("called")
        if line["call"] not in evidence.calls
    ]
    cancelled = [f"call {call[:8]}" for call in _begun_when_taken_back(evidence)]
    steps: dict[str, list[int]] = defaultdict(list)
    for effect in evidence.effects:
        if effect.job == ONE_OFF:
            call, _, step = effect.subject.partition("/")
            steps[call].append(int(step))
    runs: dict[str, list[Run]] = defaultdict(list)
    for run in evidence.runs:
        if run.task.endswith(f".{ONE_OFF}"):
            runs[str(run.args[0])].append(run)
    wrong = [
        f"{kind} {call[:8]}: {complaint}"
        for call, kind in evidence.calls.items()
        for complaint in _complaints(kind, runs[call], steps[call])
    ]
    return [
        *violations("P2", "confirmed to the client and gone", lost),
        *violations("P12", "executed after it was taken back", cancelled),
        *violations("P4", "calls", wrong),
    ]


def _begun_when_taken_back(evidence: Evidence) -> Iterator[str]:
    """Yield the calls whose body began after their end had been promised. A call that waits for its
    next try may be taken back too; and a worker that was frozen between claim and body begins a
    try that is logged as lost, whose effects are fenced off.
    """
    numbers = {run.id: run.task_id for run in evidence.runs}
    lost = {(numbers[one.run_id], one.number) for one in evidence.attempts if one.outcome == "lost"}
    promised = {line["call"]: line["at"] for line in evidence.said("cancelled")}
    for line in evidence.said("begin"):
        after = line["at"] > promised.get(line["run"], math.inf)
        if after and (line["run"], line["attempt"]) not in lost:
            yield line["run"]


def _complaints(kind: str, runs: list[Run], steps: list[int]) -> Iterator[str]:
    wanted = [0] if kind == "call" else list(range(1, CHAIN + 1))
    if steps != wanted[: len(steps)]:
        yield f"steps executed {steps}"
    states = [run.state for run in runs]
    if not runs:
        yield "has no run"
    elif all(state == "succeeded" for state in states) and len(steps) < len(wanted):
        yield f"steps executed {steps}, and none is open"
    elif len(runs) > len(wanted):
        yield f"{len(runs)} runs"


def _body(run: Run) -> str:
    """What kind of body the run has; "" if it is none of ours, or stands for a range."""
    if run.task.endswith(f".{ONE_OFF}"):
        return "atomic"
    sample = SAMPLES.get(run.job)
    return sample.body if sample is not None and run.state in FINAL | {"running"} else ""


def _name(run: Run) -> str:
    return f"{run.job or run.task} {run.scheduled_at:%H:%M:%S}"
