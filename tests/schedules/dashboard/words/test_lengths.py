"""Lengths and distances as people read them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.template.defaultfilters import floatformat
from django.utils.translation import override

from schedules.dashboard.words.lengths import distance, length
from schedules.templatetags.scheduler import grouped, percent

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, ""),
        (timedelta(milliseconds=58), "58 ms"),
        (timedelta(seconds=1, milliseconds=240), "1.2 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=2, seconds=5), "2 min 5 s"),
        (timedelta(days=3, hours=4, minutes=5), "3 d 4 h"),
        (-timedelta(minutes=1), "-1 min"),
    ],
)
def test_lengths(value: timedelta | None, words: str) -> None:
    assert length(value) == words


@pytest.mark.parametrize(("language", "words"), [("en", "1,234,567"), ("id", "1.234.567")])
def test_counts_have_their_thousands_apart(language: str, words: str) -> None:
    with override(language):
        assert grouped(1_234_567) == words
        assert grouped(999) == "999"


@pytest.mark.parametrize("language", ["ar", "en", "id"])
def test_a_language_has_one_decimal_sign(language: str) -> None:
    with override(language):
        ticks = floatformat(1.2, 1)

        assert ticks in length(timedelta(seconds=1, milliseconds=240))
        assert percent(0.012) == f"{ticks}%"


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (timedelta(milliseconds=400), "now"),
        (timedelta(seconds=75), "in 1 min 15 s"),
        (timedelta(minutes=9, seconds=59), "in 9 min"),
        (-timedelta(hours=5, minutes=3, seconds=2), "5 h 3 min ago"),
        (-timedelta(days=2, hours=3, minutes=59), "2 d 3 h ago"),
        (timedelta(days=400, hours=5), "in 400 d"),
    ],
)
def test_distances_say_as_much_as_matters(ahead: timedelta, words: str) -> None:
    assert distance(NOW + ahead, now=NOW) == words
