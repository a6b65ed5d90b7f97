"""What becomes of due occurrences: pure decisions, without a database."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schedules.dispatch.decide import Change, Decider, Decision, Policy, decide
from schedules.halts import Halt
from schedules.states import RunState
from schedules.timing import Every, jitter_of

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MINUTELY = Every(MINUTE)


def decided(policy: Policy, *, late: timedelta, most: int = 1000) -> Decision:
    return decide(MINUTELY, policy, seed="job", next_run_at=NOON, now=NOON + late, most=most)


def test_an_occurrence_on_time_runs_and_the_next_follows_the_slot() -> None:
    decision = decided(Policy(), late=timedelta(seconds=5))

    (row,) = decision.rows
    assert (row.scheduled_at, row.state) == (NOON, RunState.PLANNED)
    assert row.expires_at == NOON + timedelta(seconds=60)
    assert decision.next_run_at == NOON + MINUTE


def test_what_is_later_than_its_grace_is_missed_in_one_row_that_counts() -> None:
    decision = decided(Policy(misfire_grace=timedelta(seconds=90)), late=10 * MINUTE)

    missed, coalesced, run = decision.rows
    assert (missed.state, missed.count, missed.until) == (RunState.MISSED, 9, NOON + 8 * MINUTE)
    assert "90 s" in missed.reason
    assert (coalesced.state, coalesced.count) == (RunState.SKIPPED, 1)
    assert (run.state, run.scheduled_at) == (RunState.PLANNED, NOON + 10 * MINUTE)


def test_without_coalescing_each_occurrence_within_its_grace_runs() -> None:
    decision = decided(Policy(misfire_grace=None, coalesce=False), late=3 * MINUTE)

    assert [row.scheduled_at for row in decision.rows] == [NOON + n * MINUTE for n in range(4)]
    assert {row.state for row in decision.rows} == {RunState.PLANNED}
    assert {row.expires_at for row in decision.rows} == {None}


def test_a_pause_leaves_a_row_that_says_why() -> None:
    halts = [Halt(since=NOON, until=None, reason="paused by ada")]

    decision = decided(Policy(halts=halts), late=2 * MINUTE)

    (row,) = decision.rows
    assert (row.state, row.count, row.reason) == (RunState.SKIPPED, 3, "paused by ada")


def test_one_call_handles_no_more_than_it_may() -> None:
    decision = decided(Policy(), late=100 * MINUTE, most=10)

    assert decision.next_run_at == NOON + 10 * MINUTE


def test_a_one_off_has_one_occurrence() -> None:
    decision = decided(Policy(one_off=True), late=timedelta(0))

    assert (len(decision.rows), decision.next_run_at) == (1, None)


@given(
    late=st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=5)),
    grace=st.none() | st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=2)),
    coalesce=st.booleans(),
    jitter=st.timedeltas(min_value=timedelta(0), max_value=timedelta(seconds=59)),
    pause=st.none() | st.integers(0, 300),
)
def test_every_due_occurrence_is_in_exactly_one_row(
    late: timedelta, grace: timedelta | None, coalesce: bool, jitter: timedelta, pause: int | None
) -> None:
    halts = [] if pause is None else [Halt(since=NOON, until=NOON + pause * MINUTE, reason="p")]
    policy = Policy(misfire_grace=grace, coalesce=coalesce, jitter=jitter, halts=halts)
    decision = decided(policy, late=late)

    next_run_at = decision.next_run_at
    assert next_run_at is not None
    assert sum(row.count for row in decision.rows) == (next_run_at - NOON) // MINUTE
    starts = [row.scheduled_at for row in decision.rows]
    assert starts == sorted(set(starts))
    # Nothing that is not due yet is decided, and nothing that is due is left.
    now = NOON + late
    assert next_run_at + jitter_of(jitter, seed="job", instant=next_run_at) > now
    last = next_run_at - MINUTE
    if decision.rows:
        assert last + jitter_of(jitter, seed="job", instant=last) <= now


def test_equal_questions_are_answered_once_and_all_others_each_for_itself() -> None:
    decider = Decider(now=NOON, most=1000)

    def answer(policy: Policy, seed: str, changes: Mapping[datetime, Change]) -> Decision:
        its_own: Any = {"seed": seed, "next_run_at": NOON, "changes": changes}
        decision = decider.decide(MINUTELY, policy, **its_own)
        assert decision == decide(MINUTELY, policy, now=NOON, most=1000, **its_own)
        return decision

    skipped = {NOON: Change(scheduled_at=NOON, is_skipped=True, reason="moved house")}
    everything: list[Mapping[datetime, Change]] = [{}, skipped]
    for policy in (Policy(), Policy(misfire_grace=None), Policy(jitter=MINUTE)):
        for changes in everything:
            answers = [answer(policy, seed, changes) for seed in ("a", "b")]
            is_shared = answers[0] is answers[1]
            assert is_shared == (not policy.jitter and not changes)
