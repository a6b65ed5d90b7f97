"""What the form of a game refuses, each in one sentence."""

from datetime import date, time, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

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
            {"duration": timedelta(days=999_999_999)},
            "duration",
            "duration is '999999999 days, 0:00:00': at most 7 days.",
        ),
        (
            {"starts_on": date(9999, 12, 31)},
            "starts_on",
            "starts_on is '9999-12-31': a year from 1900 to 2999.",
        ),
        (
            {"starts_on": date(1, 1, 1)},
            "starts_on",
            "starts_on is '0001-01-01': a year from 1900 to 2999.",
        ),
        (
            {"ends_on": date(3000, 1, 1)},
            "ends_on",
            "ends_on is '3000-01-01': a year from 1900 to 2999.",
        ),
        (
            {"recurrence": "weekly", "weekdays": []},
            "weekdays",
            "weekdays is '[]': at least one weekday for a game that is played weekly.",
        ),
        (
            {"recurrence": "fortnightly", "weekdays": []},
            "weekdays",
            "weekdays is '[]': at least one weekday for a game that is played fortnightly.",
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
    defaults |= {"weekdays": [1]}
    game = Game(**{**defaults, **rule})

    with pytest.raises(ValidationError) as refusal:
        game.full_clean(validate_constraints=False)

    assert refusal.value.message_dict == {field: [sentence]}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [
        {"starts_on": "9999-12-31", "timezone": "America/New_York"},
        {"starts_on": "0001-01-01", "timezone": "Asia/Tokyo"},
        {"duration": "999999999 00:00:00"},
        {"starts_on": "2020-01-01"},
    ],
)
def test_the_form_shows_what_leads_out_of_the_calendar_or_into_the_past(
    wrong: dict[str, str], admin_client: Client
) -> None:
    form = {
        "title": "Far Off",
        "recurrence": "once",
        "start_time": "23:30",
        "duration": "02:00:00",
        "timezone": "Australia/Sydney",
        "starts_on": "2030-01-01",
        "is_active": "on",
    }

    shown = admin_client.post("/admin/games/game/add/", {**form, **wrong})

    assert shown.status_code == 200
    (field,) = shown.context["adminform"].form.errors
    assert field in wrong
    assert not Game.objects.exists()
