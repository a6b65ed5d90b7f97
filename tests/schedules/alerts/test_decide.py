"""Whether the end of a run is told: one table, no database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schedules.alerts.decide import Ended, is_muted, tell
from schedules.models import AlertRule
from schedules.states import AlertKind, RunState

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
OK, BAD, LOST, OVER = RunState.SUCCEEDED, RunState.FAILED, RunState.LOST, RunState.TIMED_OUT
MISSED, SKIPPED, CANCELLED = RunState.MISSED, RunState.SKIPPED, RunState.CANCELLED

# kind, the rule's fields, state, the runs before (newest first), the words expected or None
TABLE: list[tuple[str, dict[str, Any], RunState, list[RunState], str | None]] = [
    ("failed", {}, BAD, [], "nightly failed (scheduled"),
    ("failed", {}, OVER, [], "nightly timed out (scheduled"),
    ("failed", {}, LOST, [], "nightly was lost"),
    ("failed", {}, OK, [BAD], None),
    ("failed", {}, SKIPPED, [], None),
    ("failing", {"times": 3}, BAD, [BAD, BAD, OK], "failed 3 times in a row"),
    ("failing", {"times": 3}, LOST, [OVER, BAD], "failed 3 times in a row"),
    ("failing", {"times": 3}, BAD, [BAD, OK, BAD], None),
    ("failing", {"times": 3}, BAD, [BAD, BAD, BAD], None),
    ("failing", {"times": 1}, BAD, [OK], "nightly failed (scheduled"),
    ("recovered", {}, OK, [BAD, BAD, OK], "recovered after 2 failures"),
    ("recovered", {}, OK, [OK], None),
    ("recovered", {}, OK, [], None),
    ("recovered", {"times": 3}, OK, [BAD, BAD, OK], None),
    ("missed", {}, MISSED, [], "nightly missed (scheduled"),
    ("missed", {}, BAD, [], None),
    ("lost", {}, LOST, [], "nightly was lost"),
    ("lost", {}, BAD, [], None),
    ("succeeded", {}, OK, [], "nightly succeeded"),
    ("succeeded", {}, BAD, [], None),
    ("completed", {}, OK, [], "nightly succeeded"),
    ("completed", {}, BAD, [], "nightly failed"),
    ("completed", {}, MISSED, [], None),
    ("completed", {}, CANCELLED, [], None),
    ("slow", {"after": timedelta(minutes=4)}, OK, [], "nightly took 5 min, more than 4 min"),
    ("slow", {"after": timedelta(minutes=5)}, OK, [], None),
    ("late", {"after": timedelta(minutes=5)}, OK, [], None),
    ("beat_silent", {"after": timedelta(minutes=5)}, BAD, [], None),
]


@pytest.mark.parametrize(("kind", "fields", "state", "previous", "expected"), TABLE)
def test_a_rule_tells_what_it_is_about_and_nothing_else(
    kind: str,
    fields: dict[str, Any],
    state: RunState,
    previous: list[RunState],
    expected: str | None,
) -> None:
    run = Ended(
        name="nightly",
        state=state,
        scheduled_at=NOON,
        started_at=NOON,
        finished_at=NOON + timedelta(minutes=5),
        previous=previous,
    )

    said = tell(AlertRule(kind=AlertKind(kind), **fields), run)

    assert (said is None) == (expected is None), said
    assert expected is None or expected in str(said)


def test_a_range_of_missed_occurrences_says_how_many() -> None:
    run = Ended(name="nightly", state=MISSED, scheduled_at=NOON, count=40)

    assert "missed 40 occurrences" in str(tell(AlertRule(kind=AlertKind.MISSED), run))


def test_a_suspect_run_is_told_with_its_reason() -> None:
    green = Ended(name="nightly", state=OK, scheduled_at=NOON)
    suspect = Ended(name="nightly", state=OK, scheduled_at=NOON, suspect_reason="created 0 of 25")
    rule = AlertRule(kind=AlertKind.SUSPECT)

    assert tell(rule, green) is None
    assert "suspect" in str(tell(rule, suspect))
    assert "created 0 of 25" in str(tell(rule, suspect))


def test_what_was_told_while_the_run_went_on_is_not_told_again() -> None:
    rule = AlertRule(kind=AlertKind.SLOW, after=timedelta(minutes=1))
    run = Ended(
        name="nightly",
        state=OK,
        scheduled_at=NOON,
        started_at=NOON,
        finished_at=NOON + timedelta(minutes=5),
        was_told_slow=True,
    )

    assert tell(rule, run) is None


def test_a_cause_is_one_short_line_without_control_characters() -> None:
    cause = "ValueError: first\nsecond\x1b[31m" + "x" * 2_000_000
    run = Ended(name="nightly", state=BAD, scheduled_at=NOON, cause=cause)

    said = str(tell(AlertRule(kind=AlertKind.FAILED), run))

    assert len(said) < 700
    assert said.isprintable()


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (None, None, False),
        (NOON, None, True),
        (NOON, NOON + timedelta(hours=1), True),
        (NOON, NOON - timedelta(seconds=1), False),
    ],
)
def test_a_mute_ends_by_itself(
    since: datetime | None, until: datetime | None, expected: bool
) -> None:
    rule = AlertRule(kind=AlertKind.FAILED, muted_at=since, muted_until=until)

    assert is_muted(rule, now=NOON) is expected
