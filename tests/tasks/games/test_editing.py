"""The stated rule of what an edit of a game does to its sessions."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from schedules.public import Refused
from schedules.testing import execute
from tasks.games import jobs
from tasks.games.editing import Effect, delete_game, save_game
from tasks.games.jobs import generate_upcoming_game_sessions
from tasks.games.models import Game, GameSession
from tasks.games.sessions import short_of_sessions
from tests.tasks.statements import statements

pytestmark = pytest.mark.django_db

NOON = datetime(2030, 5, 6, 2, tzinfo=UTC)  # a Monday, noon in Sydney
HOUR = timedelta(hours=1)
MONDAY = date(2030, 5, 6)


@pytest.fixture
def daily(settings: Any) -> Game:
    """A game at 21:00, with the sessions of seven days; those before today have been played."""
    settings.SESSION_LOOKAHEAD_DAYS = 7
    first = MONDAY - timedelta(days=2)
    game = Game(title="Late Omaha", recurrence="daily", start_time=time(21), starts_on=first)
    save_game(game, now=NOON - timedelta(days=2))
    return game


def sessions(game: Game) -> dict[int, datetime]:
    """The starts in Sydney by the day of the month."""
    ten_hours_east = timedelta(hours=10)
    return {each.date.day: each.starts_at + ten_hours_east for each in game.sessions.all()}


def starts(days: range, hour: int) -> dict[int, datetime]:
    return {day: datetime(2030, 5, day, hour, tzinfo=UTC) for day in days}


def test_a_new_game_has_the_sessions_of_the_coming_days_at_once(daily: Game) -> None:
    assert sessions(daily) == starts(range(4, 11), hour=21)


def test_a_new_time_moves_the_sessions_to_come_and_no_other(daily: Game) -> None:
    daily.start_time = time(19)

    effect = save_game(daily, now=NOON)

    assert effect == Effect(created=2, moved=5, removed=0)
    assert sessions(daily) == starts(range(4, 6), hour=21) | starts(range(6, 13), hour=19)


def test_days_on_which_it_is_no_longer_played_lose_their_session(daily: Game) -> None:
    daily.recurrence, daily.weekdays = "weekly", [5, 6]

    effect = save_game(daily, now=NOON)

    assert effect == Effect(created=2, moved=0, removed=5)
    assert set(sessions(daily)) == {4, 5, 11, 12}


def test_an_inactive_game_is_played_on_no_day(daily: Game) -> None:
    daily.is_active = False

    assert save_game(daily, now=NOON) == Effect(removed=5)
    assert set(sessions(daily)) == {4, 5}


def test_what_a_person_has_entered_stays(daily: Game) -> None:
    at = NOON + 3 * HOUR
    GameSession.objects.filter(date="2030-05-07").delete()
    daily.sessions.create(date="2030-05-07", starts_at=at, ends_at=at + HOUR)
    daily.is_active = False

    save_game(daily, now=NOON)

    assert daily.sessions.get(made_by=None).starts_at == at


def test_nothing_is_moved_into_the_past_and_what_has_begun_stays(daily: Game) -> None:
    at_eight = NOON + 8 * HOUR
    daily.start_time = time(19)

    save_game(daily, now=at_eight)

    assert sessions(daily)[6] == datetime(2030, 5, 6, 21, tzinfo=UTC)
    daily.start_time = time(22)
    save_game(daily, now=at_eight + HOUR)
    assert sessions(daily)[6] == datetime(2030, 5, 6, 21, tzinfo=UTC)


def test_saving_once_more_changes_nothing(daily: Game) -> None:
    save_game(daily, now=NOON)
    before = list(GameSession.objects.order_by("pk").values())

    assert save_game(daily, now=NOON) == Effect()
    assert list(GameSession.objects.order_by("pk").values()) == before


def test_the_morning_job_agrees_with_an_edit(daily: Game) -> None:
    daily.start_time = time(19)
    save_game(daily, now=NOON)
    before = list(GameSession.objects.order_by("pk").values())

    run = execute(generate_upcoming_game_sessions, scheduled_at=NOON)

    assert run.summary == "1 games: 0 sessions created, 7 existed, 0 errors."
    assert list(GameSession.objects.order_by("pk").values()) == before


def test_the_morning_job_goes_by_the_game_as_it_is_when_it_writes(
    daily: Game, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = short_of_sessions

    def look_and_then_change(ids: Any, **span: Any) -> Any:
        found = look(ids, **span)
        Game.objects.update(start_time=time(19))
        return found

    monkeypatch.setattr(jobs, "short_of_sessions", look_and_then_change)
    execute(generate_upcoming_game_sessions, scheduled_at=NOON)

    assert sessions(daily) == starts(range(4, 11), hour=21) | starts(range(11, 13), hour=19)


def test_a_game_that_is_played_once_gets_its_one_session() -> None:
    game = Game(title="Final", recurrence="once", start_time=time(18), starts_on=date(2030, 9, 7))

    assert save_game(game, now=NOON) == Effect(created=1)
    game.starts_on = date(2030, 9, 8)
    assert save_game(game, now=NOON) == Effect(created=1, removed=1)
    assert [each.date for each in game.sessions.all()] == [date(2030, 9, 8)]


def test_an_edit_costs_the_same_for_few_and_for_many_sessions(settings: Any) -> None:
    def edit(lookahead: int) -> list[str]:
        settings.SESSION_LOOKAHEAD_DAYS = lookahead
        game = Game(title="x", recurrence="daily", start_time=time(21), starts_on=MONDAY)
        save_game(game, now=NOON)
        game.start_time, game.recurrence, game.weekdays = time(20), "weekly", [0, 1]
        return statements(lambda: save_game(game, now=NOON))

    assert edit(60) == edit(7)


def test_a_game_that_has_been_played_is_not_deleted(daily: Game) -> None:
    with pytest.raises(Refused, match="has been played, so it stays"):
        delete_game(daily, now=NOON)
    assert GameSession.objects.count() == 7


def test_the_api_says_what_an_edit_did(ask: Callable[..., Any]) -> None:
    new = {"title": "x", "startTime": "19:30", "startsOn": "2999-01-01", "recurrence": "once"}
    made = ask("POST", "/games", new)
    address = f"/games/{made.json()['id']}"

    ended = ask("PATCH", address, {"isActive": False})
    listed = ask("GET", f"{address}/sessions")
    deleted = ask("DELETE", address)

    assert made.json()["sessions"] == {"created": 1, "moved": 0, "removed": 0}
    assert ended.json()["sessions"] == {"created": 0, "moved": 0, "removed": 1}
    assert (listed.json()["total"], deleted.status_code) == (0, 204)


@pytest.mark.parametrize(
    ("change", "pointer", "detail"),
    [
        ({"startsOn": None}, "#/startsOn", "write a date such as 2030-05-02"),
        ({"timezone": "Mars"}, "#/timezone", "an IANA time zone"),
        ({"weekdays": [7]}, "#/weekdays/0", "less than or equal to 6"),
        (
            {"dayOfMonth": 3, "weekdays": [1]},
            "#/dayOfMonth",
            "empty for a game that is played weekly",
        ),
        ({}, "#/weekdays", "at least one weekday for a game that is played weekly"),
        (
            {"recurrence": "once", "startsOn": "2020-01-01"},
            "#/startsOn",
            "a start later than now in Australia/Sydney",
        ),
        (
            {"recurrence": "daily", "startsOn": "2020-01-01", "endsOn": "2020-02-01"},
            "#/endsOn",
            "a new game lies ahead",
        ),
        ({"endsOn": "2029-01-01"}, "#/endsOn", "a date from startsOn"),
        (
            {"weekdays": [6], "endsOn": "2030-01-05"},
            "#/endsOn",
            "late enough for the game to be played once",
        ),
        ({"durationMinutes": 0}, "#/durationMinutes", "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_a_game_is_refused_with_the_field(
    ask: Callable[..., Any], change: dict[str, Any], pointer: str, detail: str
) -> None:
    new = {"title": "x", "startTime": "19:30", "startsOn": "2030-01-01", **change}

    answer = ask("POST", "/games", new)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert detail in answer.json()["errors"][0]["detail"]
    assert not Game.objects.exists()
