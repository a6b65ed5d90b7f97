"""Saving and deleting a game, and what that means for its sessions.

The rule. A session that has begun is never touched, and one that a person has entered is not
either. Of the sessions to come:

1. one on a day on which the game, as it is now, is not played goes away; an inactive game is played
   on no day;
2. any other gets the start and end that the game has now. If that start has passed already, the
   session stays as it was: nothing is moved into the past.

Then the days of the look-ahead that have no session get one, where its start lies ahead; so does
the day of a game that is played once.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import ProtectedError

from schedules.public import InvalidInput, Refused
from tasks.games.models import Game, GameSession
from tasks.games.recurrence import Recurrence
from tasks.games.sessions import days_ahead, insert_sessions, plan_sessions
from tasks.games.wall_clock import find_zone

OF_THE_DAY = ("recurrence", "starts_on", "start_time", "timezone", "is_active")
"""What says when a game is played that is played once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What saving a game did to its sessions to come."""

    created: int = 0
    moved: int = 0
    removed: int = 0


@transaction.atomic
def save_game(game: Game, *, now: datetime) -> Effect:
    """Save the game and bring its sessions to come into line; `now` is an aware instant.

    Six statements, however many sessions. Raises InvalidInput for a time zone that does not exist,
    and what `check_to_come` raises.
    """
    check_to_come(game, now=now)
    game.save()
    to_come = game.sessions.to_come(now).by_rule().order_by("pk").select_for_update(no_key=True)
    sessions = {session.date: session for session in to_come}
    wanted = {each.date: each for each in _planned(game, [*sessions, *_days_to_make(game, now)])}
    moved = []
    for day, session in sessions.items():
        planned = wanted.get(day)
        if planned is not None and planned.starts_at > now and _move(session, planned):
            moved.append(session)
    gone = [session.pk for day, session in sessions.items() if day not in wanted]
    if gone:
        game.sessions.filter(pk__in=gone).delete()
    GameSession.objects.bulk_update(moved, ["starts_at", "ends_at"])
    new = [each for day, each in wanted.items() if day not in sessions and each.starts_at > now]
    created = insert_sessions(new, made_by=uuid4())
    return Effect(created=created, moved=len(moved), removed=len(gone))


def check_to_come(game: Game, *, now: datetime) -> None:
    """Raise InvalidInput for a game that would never be played, because its time has passed: a new
    one, or one that is played once and is given another day than before.
    """
    stored = Game.objects.filter(pk=game.pk).first()
    if not game.is_active or (stored is not None and _has_its_old_day(game, stored)):
        return
    if game.recurrence != Recurrence.ONCE:
        today = now.astimezone(find_zone(game.timezone)).date()
        if game.ends_on is not None and game.ends_on < today:
            accepted = f"{today} or later, or empty: a new game lies ahead"
            raise InvalidInput("ends_on", str(game.ends_on), accepted)
    elif not any(session.starts_at > now for session in plan_sessions(game, [game.starts_on])):
        begin = f"{game.starts_on} {game.start_time:%H:%M}"
        accepted = f"a start later than now in {game.timezone}, for a game that is played once"
        raise InvalidInput("starts_on", begin, accepted)


def _has_its_old_day(game: Game, stored: Game) -> bool:
    """Whether nothing is to be asked of the change: a recurring game may be ended in the past."""
    same = all(getattr(stored, name) == getattr(game, name) for name in OF_THE_DAY)
    return same or game.recurrence != Recurrence.ONCE


@transaction.atomic
def delete_game(game: Game, *, now: datetime) -> None:
    """Delete a game that has never been played, with its sessions to come.

    Raises Refused when a session of it has begun: that one stays, and so does the game.
    """
    game.sessions.to_come(now).delete()
    try:
        game.delete()
    except ProtectedError:
        raise Refused(
            f"Game {game.pk} has been played, so it stays with its sessions."
            " Set isActive to false: then no more are made."
        ) from None


def _days_to_make(game: Game, now: datetime) -> list[date]:
    ahead = days_ahead(game, at=now, count=settings.SESSION_LOOKAHEAD_DAYS)
    return [*ahead, game.starts_on] if game.recurrence == Recurrence.ONCE else [*ahead]


def _planned(game: Game, days: list[date]) -> list[GameSession]:
    return plan_sessions(game, days) if game.is_active else []


def _move(session: GameSession, planned: GameSession) -> bool:
    """Give the session the planned times; whether they are others."""
    before = session.starts_at, session.ends_at
    session.starts_at, session.ends_at = planned.starts_at, planned.ends_at
    return before != (session.starts_at, session.ends_at)
