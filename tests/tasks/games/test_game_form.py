"""What the form of a game refuses, each in one sentence."""

from datetime import date, time, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from tasks.games.models import Game


@pytest.mark.parametrize(
    ("rule", "field", "sentence"),
    [
        (
            {"ends_on": date(2029, 12, 31)},
            "ends_on",
            "ends_on is '2029-12-31': a date from starts_on (2030-01-01) on, or empty.",
        ),
        (
            {"duration": timedelta(0)},
            "duration",
            "duration is '0:00:00': longer than nothing, for example 02:00:00.",
        ),
        (
            {"recurrence": "monthly", "weekdays": [1]},
            "weekdays",
            "weekdays is '[1]': empty for a game that is played monthly.",
        ),
        (
            {"recurrence": "weekly", "day_of_month": 3},
            "day_of_month",
            "day_of_month is '3': empty for a game that is played weekly.",
        ),
        (
            {"weekdays": [7]},
            "weekdays",
            "weekdays is '[7]': a list of numbers from 0 (Monday) to 6 (Sunday).",
        ),
        (
            {"timezone": "Sydney"},
            "timezone",
            "timezone is 'Sydney': an IANA time zone, for example Australia/Sydney.",
        ),
    ],
)
def test_refusals(rule: dict[str, Any], field: str, sentence: str) -> None:
    defaults = {"title": "x", "start_time": time(19, 30), "starts_on": date(2030, 1, 1)}
    game = Game(**{**defaults, **rule})

    with pytest.raises(ValidationError) as refusal:
        game.full_clean(validate_constraints=False)

    assert refusal.value.message_dict == {field: [sentence]}
