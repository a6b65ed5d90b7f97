"""The oracle finds what is wrong in books with one mistake, and nothing in right ones."""

import ast
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import chaos
from chaos import effects, oracle
from chaos.books import Attempt, Change, Effect, Heartbeat, Run
from chaos.evidence import Evidence, Violation
from chaos.faults import Injected, Kind
from chaos.workload import SAMPLES

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
JUDGES = ("oracle", "effects", "expected", "evidence", "measures", "books", "workload", "faults")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def make_run(**changed: object) -> Run:
    run = Run(
        id=1,
        task_id="a" * 32,
        job="complete",
        task="chaos.complete",
        origin="timetable",
        state="succeeded",
        scheduled_at=at(3),
        until=None,
        count=1,
        due_at=at(3),
        attempt=1,
        sends=1,
        started_at=at(3.1),
        finished_at=at(3.2),
        args=[],
    )
    return replace(run, **changed)  # type: ignore[arg-type]


def make_evidence() -> Evidence:
    """One run that went as it should, with all its traces."""
    facts = {"run": "a" * 32, "attempt": 1, "job": "complete", "pid": 7, "at": 1.0}
    return Evidence(
        started_at=NOON,
        until=at(5),
        quiet_until=at(60),
        read_at=at(61),
        runs=[make_run()],
        attempts=[make_attempt()],
        history=[change("", "planned", 0), change("planned", "running", 1, 3.1), *ended()],
        effects=[Effect(id=1, run="a" * 32, attempt=1, job="complete", subject="")],
        ledger_begins=dict.fromkeys(SAMPLES, at(60)) | {"complete": NOON},
        witness=[{"event": "begin", **facts}, {"event": "end", **facts}],
    )


def make_attempt(**changed: object) -> Attempt:
    attempt = Attempt(
        run_id=1,
        number=1,
        instance="b" * 32,
        pid=7,
        started_at=at(3.1),
        ended_at=at(3.2),
        outcome="succeeded",
    )
    return replace(attempt, **changed)  # type: ignore[arg-type]


def change(old: str, new: str, attempt: int, seconds: float = 3.0, *, run_id: int = 1) -> Change:
    return Change(run_id=run_id, job="complete", old=old, new=new, attempt=attempt, at=at(seconds))


def ended() -> list[Change]:
    return [change("running", "succeeded", 1, 3.2)]


def judged(evidence: Evidence) -> list[str]:
    """The promises that were broken."""
    found: list[Violation] = oracle.check_occurrences(evidence)[1]
    for check in (
        oracle.check_outcomes,
        oracle.check_attempts,
        oracle.check_leases,
        oracle.check_overlap,
        oracle.check_switching,
        oracle.check_order,
        effects.check_effects,
        effects.check_witness,
        effects.check_calls,
    ):
        found += check(evidence)
    return [f"{one.promise} {one.what}" for one in found]


def test_right_books_leave_nothing_to_say() -> None:
    assert judged(make_evidence()) == []


def no_row(evidence: Evidence) -> None:
    evidence.runs, evidence.attempts, evidence.history = [], [], []
    evidence.effects, evidence.witness = [], []


def two_rows(evidence: Evidence) -> None:
    evidence.runs.append(make_run(id=2, task_id="c" * 32, state="planned", attempt=0))


def two_effects(evidence: Evidence) -> None:
    evidence.effects *= 2


def no_witness(evidence: Evidence) -> None:
    evidence.witness = []


def unlogged_body(evidence: Evidence) -> None:
    evidence.witness.append({**evidence.witness[0], "attempt": 2})


def still_running(evidence: Evidence) -> None:
    evidence.runs = [make_run(state="running", finished_at=None)]
    evidence.attempts, evidence.effects = [], []
    evidence.history.pop()


def failed(evidence: Evidence) -> None:
    evidence.runs = [make_run(state="failed")]
    evidence.attempts = [make_attempt(outcome="failed")]
    evidence.history[-1] = change("running", "failed", 1, 3.2)
    evidence.effects = []


def ended_twice(evidence: Evidence) -> None:
    evidence.history.append(change("succeeded", "running", 2, 4))


def two_successes(evidence: Evidence) -> None:
    evidence.runs = [make_run(attempt=2)]
    evidence.attempts.append(make_attempt(number=2, started_at=at(4), ended_at=at(4.1)))


def too_many_at_once(evidence: Evidence) -> None:
    evidence.history += [
        change("planned", "running", 1, 3.15, run_id=run_id) for run_id in (2, 3, 4)
    ]


def began_early(evidence: Evidence) -> None:
    evidence.runs = [make_run(started_at=at(2.9))]


def planned_ahead(evidence: Evidence) -> None:
    evidence.runs.append(make_run(id=2, task_id="c" * 32, scheduled_at=at(600), due_at=at(600)))


def call_gone(evidence: Evidence) -> None:
    evidence.witness.append({"event": "called", "call": "d" * 32, "kind": "call", "at": 1.0})


def cancelled_and_begun(evidence: Evidence) -> None:
    evidence.witness.append({"event": "cancelled", "call": "a" * 32, "at": 0.5})


@pytest.mark.parametrize(
    ("spoil", "broken"),
    [
        (no_row, "P1 missing"),
        (two_rows, "P1 duplicate"),
        (planned_ahead, "P1 extra"),
        (still_running, "P2 unfinished after quiet"),
        (call_gone, "P2 confirmed to the client and gone"),
        (failed, "P7 failed, though no body of ours ever fails for good"),
        (ended_twice, "P3 change of state"),
        (two_successes, "P3 tries"),
        (two_effects, "P4 effects"),
        (too_many_at_once, "P5 more running than allowed"),
        (cancelled_and_begun, "P12 executed after it was taken back"),
        (began_early, "P21 instants out of order"),
        (no_witness, "log succeeded in the log, but not witnessed"),
        (unlogged_body, "log executed, but not in the log"),
    ],
)
def test_what_is_wrong_is_found(spoil: Callable[[Evidence], None], broken: str) -> None:
    evidence = make_evidence()

    spoil(evidence)

    assert broken in judged(evidence)


def test_a_call_may_be_taken_back_after_a_try_that_was_lost() -> None:
    evidence = make_evidence()
    evidence.witness.append({"event": "cancelled", "call": "a" * 32, "at": 1.5})
    lost_try = make_attempt(outcome="lost")

    assert effects.check_calls(evidence) == []
    evidence.witness[-1]["at"] = 0.5  # a thawed worker's body, which can commit nothing
    evidence.attempts = [lost_try]
    assert effects.check_calls(evidence) == []


def lost(evidence: Evidence, *, heartbeat_at: datetime) -> None:
    evidence.runs = [make_run(state="lost", finished_at=at(40))]
    evidence.attempts = [make_attempt(outcome="lost", ended_at=at(40))]
    evidence.history[-1] = change("running", "lost", 1, 40)
    evidence.effects = []
    evidence.heartbeats = [
        Heartbeat(instance="b" * 32, status="running", heartbeat_at=heartbeat_at, at=heartbeat_at)
    ]


def test_a_try_is_not_lost_while_its_worker_renews_its_lease() -> None:
    evidence = make_evidence()
    lost(evidence, heartbeat_at=at(35))

    assert "P3 taken from a worker that lived" in judged(evidence)


@pytest.mark.parametrize("why", ["silence", "kill", "database"])
def test_a_try_may_be_lost_for_a_reason(why: str) -> None:
    evidence = make_evidence()
    lost(evidence, heartbeat_at=at(9 if why == "silence" else 35))
    if why == "kill":
        evidence.injected = [Injected(Kind.KILL_CHILD, at(39), at(39), killed={7})]
    if why == "database":
        evidence.injected = [Injected(Kind.CUT_DATABASE, at(39), at(39))]

    assert "P3 taken from a worker that lived" not in judged(evidence)


def switching(**instants: float) -> list[dict[str, object]]:
    return [
        {"event": event, "on": on, "instant": at(instants[f"{event}_{'on' if on else 'off'}"])}
        for event, on in (("switching", False), ("switched", False), ("switching", True))
    ]


def test_a_job_is_on_or_off_only_while_the_client_is_sure_of_it() -> None:
    evidence = make_evidence()
    evidence.witness = [
        {**line, "instant": line["instant"].isoformat()}  # type: ignore[attr-defined]
        for line in switching(switching_off=10, switched_off=11, switching_on=20)
    ]

    on = oracle.spans(evidence, on=True, since=NOON)
    off = oracle.spans(evidence, on=False, since=NOON)

    assert [(span.since, span.until) for span in on] == [(NOON, at(10))]
    assert [(span.since, span.until) for span in off] == [(at(11), at(20))]


def test_the_judges_import_nothing_of_the_product() -> None:
    for name in JUDGES:
        path = Path(chaos.__file__).with_name(f"{name}.py")
        imported: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(str(node.module))
        ours = {module.partition(".")[2] for module in imported if module.startswith("chaos.")}
        product = {"schedules", "tasks", "project", "django", "celery"}

        assert {module.partition(".")[0] for module in imported} & product == set(), name
        assert ours <= set(JUDGES), name
