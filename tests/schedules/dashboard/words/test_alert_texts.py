"""What alerts say as readers of another language see it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils.translation import override

from schedules.alerts.decide import Ended, tell
from schedules.dashboard.words.alert_texts import (
    CONDITIONS,
    HAPPENED,
    alert_in_words,
    answer_in_words,
)
from schedules.models import AlertRule
from schedules.states import AlertKind, RunState

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FAILED = [RunState.FAILED]
TOLD = [
    (AlertKind.FAILED, RunState.FAILED, {"cause": "ValueError: (scheduled at noon)"}),
    (AlertKind.FAILED, RunState.TIMED_OUT, {}),
    (AlertKind.LOST, RunState.LOST, {"cause": "its job is disabled"}),
    (AlertKind.MISSED, RunState.MISSED, {}),
    (AlertKind.MISSED, RunState.MISSED, {"count": 12}),
    (AlertKind.FAILING, RunState.FAILED, {"previous": FAILED}),
    (AlertKind.RECOVERED, RunState.SUCCEEDED, {"previous": FAILED * 2}),
    (AlertKind.SUSPECT, RunState.SUCCEEDED, {"suspect_reason": "errors is 2"}),
    (AlertKind.COMPLETED, RunState.SUCCEEDED, {}),
    (AlertKind.SLOW, RunState.SUCCEEDED, {"finished_at": NOON + timedelta(minutes=2, seconds=5)}),
]


@pytest.mark.parametrize("language", ["ar", "id"])
@pytest.mark.parametrize(("kind", "state", "fields"), TOLD)
def test_an_alert_is_read_in_ones_language(
    kind: AlertKind, state: RunState, fields: dict[str, object], language: str
) -> None:
    rule = AlertRule(kind=kind, times=2, after=timedelta(seconds=9))
    run = {"name": "the_job", "scheduled_at": NOON, "started_at": NOON, **fields}
    text = tell(rule, Ended(state=state, **run))  # type: ignore[arg-type]
    assert text is not None

    with override(language):
        shown = alert_in_words(text)

    assert "\u2068the_job\u2069: " in shown
    assert "(scheduled at 2026" not in shown
    assert str(fields.get("cause", "")).partition(":")[2] in shown
    for word in ("failed", "timed out", "lost", "missed", "recovered", "took", "disabled", "min"):
        assert word not in shown
    with override("en"):
        assert alert_in_words(text) == text


@pytest.mark.parametrize("language", ["ar", "id"])
@pytest.mark.parametrize("sentence", [*HAPPENED, *CONDITIONS])
def test_each_sentence_has_a_translation(sentence: str, language: str) -> None:
    parts = {"number": "3", "length": "2 h 5 min", "limit": "40 s", "name": "n", "instant": _at()}
    stored = sentence % parts
    with override(language):
        shown = (HAPPENED.translated(stored) or CONDITIONS.translated(stored) or "").strip()

    assert shown
    assert re.sub("[\u2068\u2069]", "", shown) != stored


def test_what_nobody_knows_stays() -> None:
    with override("ar"):
        assert alert_in_words("the office is closed") == "the office is closed"
        assert answer_in_words("204 No Content") == "204 No Content"
        assert answer_in_words("mailed to 2") != "mailed to 2"


def _at() -> str:
    return "2026-03-02T12:00:00Z"
