"""On which days a game is played. Pure functions of the game's own fields."""

from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.db.models import TextChoices

if TYPE_CHECKING:
    from tasks.games.models import Game


LONGEST_PAUSE = 31
"""Days after which any rule has named a day."""


class Recurrence(TextChoices):
    """How often a game is played."""

    ONCE = "once", "once"
    DAILY = "daily", "daily"
    WEEKLY = "weekly", "weekly"
    FORTNIGHTLY = "fortnightly", "fortnightly"
    MONTHLY = "monthly", "monthly"


def playing_days(game: "Game", days: Iterable[date]) -> list[date]:
    """Return those of `days` on which the game is played, sorted, each once."""
    return [day for day in sorted(set(days)) if is_played_on(game, day)]


def is_played_on(game: "Game", day: date) -> bool:
    """Whether the recurrence falls on `day`, within the first and the last day of the game."""
    if day < game.starts_on or (game.ends_on is not None and day > game.ends_on):
        return False
    match game.recurrence:
        case Recurrence.DAILY:
            return not game.weekdays or day.weekday() in game.weekdays
        case Recurrence.WEEKLY:
            return day.weekday() in _weekdays(game)
        case Recurrence.FORTNIGHTLY:
            weeks = (_monday(day) - _monday(game.starts_on)) // timedelta(weeks=1)
            return weeks % 2 == 0 and day.weekday() in _weekdays(game)
        case Recurrence.MONTHLY:
            wanted = game.day_of_month or game.starts_on.day
            # A game on the 31st is played on the last day of the shorter months, not left out.
            return day.day == min(wanted, monthrange(day.year, day.month)[1])
        case _:
            return day == game.starts_on


def _weekdays(game: "Game") -> list[int]:
    return game.weekdays or [game.starts_on.weekday()]


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
