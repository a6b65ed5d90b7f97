"""Making sessions: for one game, and every morning for all of them."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from schedules.models import Run
from schedules.testing import execute
from tasks.games.jobs import generate_upcoming_game_sessions
from tasks.games.models import Game, GameSession
from tasks.games.sessions import create_sessions_for_game
from tests.tasks.statements import statements

pytestmark = pytest.mark.django_db

FIVE_IN_SYDNEY = datetime(2030, 10, 3, 19, 0, tzinfo=UTC)  # 05:00 on Friday 4 October
WEEK = [date(2030, 10, 4) + timedelta(days=n) for n in range(7)]


def make_game(**rule: Any) -> Game:
    defaults = {
        "title": "Friday Night Poker",
        "recurrence": "daily",
        "start_time": time(19, 30),
        "duration": timedelta(hours=2),
        "starts_on": date(2030, 1, 1),
    }
    return Game.objects.create(**{**defaults, **rule})


def generate(scheduled_at: datetime = FIVE_IN_SYDNEY) -> Run:
    return execute(generate_upcoming_game_sessions, scheduled_at=scheduled_at)


def dates_of(game: Game) -> list[date]:
    return list(game.sessions.values_list("date", flat=True))


def test_the_start_stays_on_the_wall_clock_when_summer_time_begins() -> None:
    game = make_game()

    created = create_sessions_for_game(game, WEEK)

    assert created == 7
    starts = [f"{s.starts_at:%d %H:%M}" for s in game.sessions.all()]
    assert starts == ["04 09:30", "05 09:30", *(f"{day:02} 08:30" for day in range(6, 11))]
    assert {s.ends_at - s.starts_at for s in game.sessions.all()} == {timedelta(hours=2)}


def test_making_sessions_twice_makes_none_the_second_time() -> None:
    game = make_game()
    create_sessions_for_game(game, WEEK[:5])
    before = list(GameSession.objects.values())

    assert create_sessions_for_game(game, WEEK[:5]) == 0
    assert list(GameSession.objects.values()) == before
    assert create_sessions_for_game(game, WEEK) == 2


def test_a_game_without_a_day_among_them_makes_none() -> None:
    assert create_sessions_for_game(make_game(starts_on=date(2031, 1, 1)), WEEK) == 0


def test_every_recurring_game_gets_the_days_ahead_today_included() -> None:
    daily, weekly = make_game(), make_game(recurrence="weekly", weekdays=[4])
    once = make_game(recurrence="once", starts_on=WEEK[1])
    switched_off = make_game(is_active=False)

    run = generate()

    assert run.state == "succeeded"
    assert run.summary == "2 games: 8 sessions created, 0 existed, 0 errors."
    assert dates_of(daily) == WEEK
    assert dates_of(weekly) == WEEK[:1]
    assert dates_of(once) == dates_of(switched_off) == []


def test_today_is_that_of_the_games_own_zone_at_the_nominal_time() -> None:
    sydney, london = make_game(), make_game(timezone="Europe/London")

    generate()

    assert dates_of(sydney)[0] == date(2030, 10, 4)
    assert dates_of(london)[0] == date(2030, 10, 3)


def test_the_look_ahead_is_a_setting(settings: Settings) -> None:
    settings.SESSION_LOOKAHEAD_DAYS = 2
    game = make_game()

    generate()

    assert dates_of(game) == WEEK[:2]


def test_a_second_run_creates_nothing() -> None:
    make_game()
    generate()
    before = list(GameSession.objects.values())

    again = generate()

    assert again.summary == "1 games: 0 sessions created, 7 existed, 0 errors."
    assert list(GameSession.objects.values()) == before


def test_the_next_morning_adds_one_day() -> None:
    game = make_game()
    generate()

    run = generate(FIVE_IN_SYDNEY + timedelta(days=1))

    assert run.summary == "1 games: 1 sessions created, 6 existed, 0 errors."
    assert len(dates_of(game)) == 8


def test_a_corrupted_game_is_reported_and_stops_no_other() -> None:
    games = [make_game(title=f"G{n}") for n in range(5)]
    Game.objects.filter(pk=games[2].pk).update(timezone="Mars/Phobos")

    run = generate()

    assert run.state == "failed"
    assert run.summary == "5 games: 28 sessions created, 0 existed, 1 errors."
    assert dates_of(games[2]) == []
    assert all(len(dates_of(game)) == 7 for game in games if game is not games[2])


@pytest.mark.django_db(transaction=True)
def test_more_games_than_fit_one_batch_are_counted_exactly(settings: Settings) -> None:
    settings.SESSION_LOOKAHEAD_DAYS = 366
    for _ in range(5):
        make_game()

    run = generate()

    assert run.summary == "5 games: 1830 sessions created, 0 existed, 0 errors."
    assert run.progress == {"done": 5, "total": 5}


def test_a_batch_costs_the_same_number_of_statements_whatever_its_size() -> None:
    for _ in range(10):
        make_game()
    few = statements(generate)
    for _ in range(90):
        make_game()
    many = statements(lambda: generate(FIVE_IN_SYDNEY + timedelta(days=1)))

    assert few == many
    assert GameSession.objects.count() == 10 * 8 + 90 * 7
