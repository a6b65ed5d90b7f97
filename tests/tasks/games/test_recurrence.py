"""On which days a game is played."""

from datetime import date, timedelta
from typing import Any

import pytest

from tasks.games.models import Game
from tasks.games.recurrence import playing_days

MONDAY = date(2030, 1, 7)
THREE_WEEKS = [MONDAY + timedelta(days=n) for n in range(21)]


def days_of(candidates: list[date] = THREE_WEEKS, **rule: Any) -> list[str]:
    game = Game(**{"starts_on": MONDAY, **rule})
    return [f"{day:%m-%d}" for day in playing_days(game, candidates)]


def test_daily_is_every_day() -> None:
    assert len(days_of(recurrence="daily")) == 21


def test_daily_keeps_to_its_weekdays() -> None:
    assert days_of(recurrence="daily", weekdays=[5, 6]) == [
        "01-12",
        "01-13",
        "01-19",
        "01-20",
        "01-26",
        "01-27",
    ]


def test_weekly_is_on_its_weekdays() -> None:
    assert days_of(recurrence="weekly", weekdays=[4]) == ["01-11", "01-18", "01-25"]


def test_weekly_without_weekdays_is_on_that_of_the_first_day() -> None:
    assert days_of(recurrence="weekly", starts_on=date(2030, 1, 9)) == ["01-09", "01-16", "01-23"]


def test_fortnightly_is_every_other_week_from_the_first_day() -> None:
    assert days_of(recurrence="fortnightly", weekdays=[0, 4]) == [
        "01-07",
        "01-11",
        "01-21",
        "01-25",
    ]
    assert days_of(recurrence="fortnightly", weekdays=[0], starts_on=date(2030, 1, 10)) == ["01-21"]


def test_monthly_is_on_the_day_of_the_month_or_the_last_one() -> None:
    year = [date(2032, 1, 1) + timedelta(days=n) for n in range(366)]

    ends = days_of(year, recurrence="monthly", day_of_month=31)

    assert ends[:4] == ["01-31", "02-29", "03-31", "04-30"]
    assert len(ends) == 12


def test_monthly_without_a_day_is_on_that_of_the_first_day() -> None:
    assert days_of(recurrence="monthly", starts_on=date(2030, 1, 15)) == ["01-15"]


def test_once_is_the_first_day_only() -> None:
    assert days_of(recurrence="once", starts_on=date(2030, 1, 9)) == ["01-09"]


def test_first_and_last_day_are_included() -> None:
    first, last = date(2030, 1, 10), date(2030, 1, 12)

    assert days_of(recurrence="daily", starts_on=first, ends_on=last) == ["01-10", "01-11", "01-12"]


@pytest.mark.parametrize("recurrence", ["once", "daily", "weekly", "fortnightly", "monthly"])
def test_days_come_sorted_and_once(recurrence: str) -> None:
    doubled = [*reversed(THREE_WEEKS), *THREE_WEEKS]

    assert days_of(doubled, recurrence=recurrence) == days_of(recurrence=recurrence)
