"""The checks of rows: every occurrence, every outcome, every change of state, every lease."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from chaos.books import Attempt, Change, Heartbeat, Run
from chaos.evidence import FINAL, Evidence, Violation, violations
from chaos.expected import Entry, Match, Span, match
from chaos.faults import DATABASE, LEASE_SECONDS
from chaos.workload import SAMPLES, SWITCHED, Sample

LONGEST_LOSSES = 3
"""Workers that a run may cost before it ends as lost."""

NOTICED_WITHIN = timedelta(seconds=60)
"""How long after a killed process its parent may say that it is gone."""


def check_occurrences(evidence: Evidence) -> tuple[int, list[Violation]]:
    """P1: each occurrence has one row. Returns how many were checked, and what was wrong."""
    checked = 0
    found: dict[str, list[str]] = defaultdict(list)
    for sample in SAMPLES.values():
        result = _match(sample, evidence)
        checked += result.checked
        for what in ("missing", "extra", "duplicate", "miscounted"):
            instants: list[datetime] = getattr(result, what)
            found[what] += [f"{sample.key} at {instant:%H:%M:%S}" for instant in instants]
    return checked, [one for what, cases in found.items() for one in violations("P1", what, cases)]


def _match(sample: Sample, evidence: Evidence) -> Match:
    begins = evidence.ledger_begins[sample.key]
    entries = [
        Entry(scheduled_at=run.scheduled_at, until=run.until, count=run.count)
        for run in evidence.runs_of(sample.key)
    ]
    on = [Span(since=begins, until=evidence.until)]
    if sample.key == SWITCHED:
        on = spans(evidence, on=True, since=begins)
    return match(sample, entries, required=on, allowed=Span(since=begins, until=evidence.read_at))


def spans(evidence: Evidence, *, on: bool, since: datetime) -> list[Span]:
    """Return when the switched job was certainly on, or off, by what the client was told."""
    found: list[Span] = []
    is_on: bool | None = True
    begin = since
    for line in evidence.said("switching", "switched"):
        at = datetime.fromisoformat(line["instant"])
        if line["event"] == "switched":
            is_on, begin = bool(line["on"]), at
            continue
        if is_on is on:
            found.append(Span(since=begin, until=at))
        is_on = None  # until the client hears of it, it may be either
    if is_on is on:
        found.append(Span(since=begin, until=evidence.until))
    return found


def check_outcomes(evidence: Evidence) -> list[Violation]:
    """P2, P17 and the promise of complete jobs: how runs ended."""
    open_ones = [
        f"{_name(run)} is {run.state}"
        for run in evidence.runs
        if run.state not in FINAL and run.due_at <= evidence.until
    ]
    losses = evidence.by_run()
    poisoned = [
        f"{_name(run)} is {run.state} after {run.attempt} tries"
        for run in evidence.runs_of("poison")
        if run.state == "succeeded" or run.attempt > LONGEST_LOSSES
    ]
    if any(run.state == "lost" for run in evidence.runs_of("poison")):
        poisoned += [] if "poison" in evidence.flagged else ["the job is not flagged"]
    broken = [
        f"{_name(run)} is {run.state}"
        for sample in SAMPLES.values()
        if sample.complete
        for run in evidence.runs_of(sample.key)
        if run.state in FINAL - {"succeeded"} and not _used_up(losses[run.id])
    ]
    failed = [
        f"{_name(run)} is {run.state}: {run.error}"
        for run in evidence.runs
        if run.state in ("failed", "timed_out")
    ]
    return [
        *violations("P2", "unfinished after quiet", open_ones),
        *violations("P7", "failed, though no body of ours ever fails for good", failed),
        *violations("P17", "poison not stopped", poisoned),
        *violations("P2", "not executed though it may be however late", broken),
    ]


def _used_up(attempts: Sequence[Attempt]) -> bool:
    return sum(attempt.outcome == "lost" for attempt in attempts) >= LONGEST_LOSSES


def check_attempts(evidence: Evidence) -> list[Violation]:
    """P3: one try after the other, one success at most, and the log of tries is whole."""
    attempts = evidence.by_run()
    wrong = [
        f"{_name(run)}: {complaint}"
        for run in evidence.runs
        if run.state in FINAL
        for complaint in _complaints(run, attempts[run.id])
    ]
    changes: dict[int, list[Change]] = defaultdict(list)
    for change in evidence.history:
        changes[change.run_id].append(change)
    names = {run.id: _name(run) for run in evidence.runs}
    illegal = [
        f"{names.get(run_id, run_id)}: {complaint}"
        for run_id, steps in changes.items()
        for complaint in _illegal(steps)
    ]
    return [
        *violations("P3", "tries", wrong),
        *violations("P3", "change of state", illegal),
    ]


def _complaints(run: Run, attempts: Sequence[Attempt]) -> Iterator[str]:
    numbers = [attempt.number for attempt in attempts]
    if numbers != list(range(1, run.attempt + 1)):
        yield f"{run.attempt} tries, logged {numbers}"
    outcomes = [attempt.outcome for attempt in attempts]
    if any(outcome not in ("lost", "retrying") for outcome in outcomes[:-1]):
        yield f"went on after {outcomes}"
    if (run.state == "succeeded") != (outcomes[-1:] == ["succeeded"]):
        yield f"{run.state}, tries {outcomes}"
    for before, after in pairwise(attempts):
        if after.started_at < before.ended_at:
            yield f"try {after.number} began before try {before.number} had ended"


def _illegal(steps: Sequence[Change]) -> Iterator[str]:
    state, attempt = "", 0
    for step in steps:
        if step.old != state:
            yield f"was {state or 'not there'}, then said to have been {step.old}"
        if state in FINAL:
            yield f"left {state} for {step.new}"
        if step.new == "running" and (state == "running" or step.attempt != attempt + 1):
            yield f"from {state} {attempt} to running {step.attempt}"
        if step.new != "running" and step.attempt != attempt:
            yield f"try {attempt} became {step.attempt} as {step.new}"
        state, attempt = step.new, step.attempt


def check_overlap(evidence: Evidence) -> list[Violation]:
    """P5: never more running rows of a job than it may have."""
    most: dict[str, int] = defaultdict(int)
    running: dict[str, set[int]] = defaultdict(set)
    for change in evidence.history:  # who leaves is noted before who takes the place can be
        if not change.job:
            continue
        if change.new == "running":
            running[change.job].add(change.run_id)
        else:
            running[change.job].discard(change.run_id)
        most[change.job] = max(most[change.job], len(running[change.job]))
    return violations(
        "P5",
        "more running than allowed",
        [
            f"{key}: {most[key]} of {sample.max_instances}"
            for key, sample in SAMPLES.items()
            if most[key] > sample.max_instances
        ],
    )


def check_switching(evidence: Evidence) -> list[Violation]:
    """P12: while the job is off, none of its runs begins."""
    off = spans(evidence, on=False, since=evidence.ledger_begins[SWITCHED])
    return violations(
        "P12",
        "began while switched off",
        [
            f"at {change.at:%H:%M:%S.%f}"
            for change in evidence.history
            if change.job == SWITCHED
            and change.new == "running"
            and any(change.at in span for span in off)
        ],
    )


def check_order(evidence: Evidence) -> list[Violation]:
    """P21: due, started, finished, in this order and not in the future."""
    wrong = [_name(run) for run in evidence.runs if not _in_order(run, evidence.read_at)]
    return violations("P21", "instants out of order", wrong)


def _in_order(run: Run, now: datetime) -> bool:
    instants = [run.scheduled_at] if run.origin == "timetable" else []
    instants += [at for at in (run.started_at, run.finished_at) if at is not None]
    if run.started_at is None and run.state in ("cancelled", "skipped"):
        instants = []  # it may be taken back before it is due
    return all(a <= b for a, b in pairwise([*instants, now]))


def check_leases(evidence: Evidence) -> list[Violation]:
    """Rule 5: a try is lost only if its worker was silent for a lease, its process was killed, or
    the database was away when it wanted to say how it went.
    """
    heartbeats: dict[str, list[Heartbeat]] = defaultdict(list)
    for heartbeat in evidence.heartbeats:
        heartbeats[heartbeat.instance].append(heartbeat)
    killed = [(pid, note.began_at) for note in evidence.injected for pid in note.killed]
    suicides = {line["pid"] for line in evidence.said("begin") if line["job"] == "poison"}
    unexplained = [
        f"run {attempt.run_id} try {attempt.number} at {attempt.ended_at:%H:%M:%S}"
        for attempt in evidence.attempts
        if attempt.outcome == "lost"
        and attempt.pid not in suicides
        and not _silent(heartbeats[attempt.instance], attempt.ended_at)
        and not _killed(attempt, killed)
        and not _database_was_away(attempt, evidence)
    ]
    return violations("P3", "taken from a worker that lived", unexplained)


def _silent(heartbeats: Sequence[Heartbeat], at: datetime) -> bool:
    known = [heartbeat for heartbeat in heartbeats if heartbeat.at <= at]
    if not known:
        return True
    silence = at - known[-1].heartbeat_at
    return known[-1].status == "stopped" or silence >= timedelta(seconds=LEASE_SECONDS)


def _killed(attempt: Attempt, killed: Sequence[tuple[int, datetime]]) -> bool:
    return any(
        pid == attempt.pid and at - NOTICED_WITHIN <= attempt.ended_at <= at + NOTICED_WITHIN
        for pid, at in killed
    )


def _database_was_away(attempt: Attempt, evidence: Evidence) -> bool:
    return any(
        note.kind in DATABASE
        and note.began_at <= attempt.ended_at
        and note.ended_at + NOTICED_WITHIN >= attempt.started_at
        for note in evidence.injected
    )


def _name(run: Run) -> str:
    return f"{run.job or run.task} {run.scheduled_at:%H:%M:%S}"
