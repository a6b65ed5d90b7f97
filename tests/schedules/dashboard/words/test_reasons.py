"""Reasons of the ledger as readers of another language see them."""

import re
from pathlib import Path

import pytest
from django.utils.translation import override

import schedules
from schedules.dashboard.words.reasons import SENTENCES, reason_in_words

PACKAGE = Path(schedules.__file__).parent
RUN = "0f8b6f3e-7b1c-4c9e-9d59-1b7a2c3d4e5f"
EXAMPLES = {
    "seconds": "61",
    "instant": "2026-03-02T12:00:00Z",
    "run": RUN,
    "other_run": RUN,
    "who": "siti",
    "why": "the disk: full",
    "instance": "7",
    "pid": "4711",
    "subject": "bill:7",
}


@pytest.mark.parametrize("sentence", [*SENTENCES])
def test_the_engine_says_it_so(sentence: str) -> None:
    code = "".join(
        path.read_text() for path in PACKAGE.rglob("*.py") if "dashboard" not in path.parts
    )

    for part in re.split(r"%\(\w+\)s", sentence):
        assert part.strip(" :") in code


@pytest.mark.parametrize("language", ["ar", "id"])
@pytest.mark.parametrize("sentence", [*SENTENCES])
def test_a_reason_is_read_in_ones_language(sentence: str, language: str) -> None:
    stored = sentence % EXAMPLES
    with override("en"):
        assert reason_in_words(stored) == stored
    with override(language):
        shown = reason_in_words(stored)

    plain = re.sub("[\u2068\u2069]", "", shown)
    assert plain != stored
    for name in re.findall(r"%\((\w+)\)s", sentence):
        assert f"\u2068{EXAMPLES[name]}\u2069" in shown


@pytest.mark.parametrize("reason", ["", "the office is closed", "revoked by mistake"])
def test_what_people_wrote_stays(reason: str) -> None:
    with override("ar"):
        assert reason_in_words(reason) == reason
