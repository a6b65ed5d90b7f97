"""Making the sessions of recurring games: planning them in memory, writing them by the batch."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction

from tasks.games.models import Game, GameSession
from tasks.games.recurrence import playing_days
from tasks.games.wall_clock import find_zone, instant_of


def create_sessions_for_game(game: Game, days: Iterable[date]) -> int:
    """Make the game's sessions on those of `days` on which it is played; return how many are new.

    `days` are dates in the game's own time zone. Days that have a session keep it as it is. Raises
    InvalidInput when the game's time zone does not exist.
    """
    with transaction.atomic():
        return insert_sessions(plan_sessions(game, days), made_by=uuid4())


def plan_sessions(game: Game, days: Iterable[date]) -> list[GameSession]:
    """Return the game's sessions on those of `days` on which it is played, not saved.

    The start is `start_time` on the wall of the game's zone on each day. Raises InvalidInput when
    that zone does not exist.
    """
    zone = find_zone(game.timezone)
    sessions = []
    for day in playing_days(game, days):
        starts_at = instant_of(day, at=game.start_time, zone=zone)
        sessions.append(
            GameSession(game=game, date=day, starts_at=starts_at, ends_at=starts_at + game.duration)
        )
    return sessions


def short_of_sessions(ids: Sequence[int], *, at: datetime, count: int) -> tuple[list[int], int]:
    """Return those of the recurring games `ids` that lack a session on a day of the look-ahead, and
    how many sessions the others have in it.

    Two statements. The look-ahead is that of `days_ahead`. Raises what a corrupted row raises.
    """
    games = list(Game.objects.recurring().filter(pk__in=ids).order_by("pk"))
    days = {game.pk: days_ahead(game, at=at, count=count) for game in games}
    if not days:
        return [], 0
    first, last = min(each[0] for each in days.values()), max(each[-1] for each in days.values())
    rows = GameSession.objects.filter(game_id__in=ids, date__range=(first, last)).order_by()
    there: dict[int, set[date]] = defaultdict(set)
    for game_id, day in rows.values_list("game_id", "date"):
        there[game_id].add(day)
    short, complete = [], 0
    for game in games:
        missing = [day for day in days[game.pk] if day not in there[game.pk]]
        if playing_days(game, missing):
            short.append(game.pk)
        else:
            complete += count - len(missing)
    return short, complete


def insert_sessions(sessions: Sequence[GameSession], *, made_by: UUID) -> int:
    """Save those sessions that do not exist yet, in the caller's transaction; return how many.

    `made_by` marks the new rows. Repeated with the same mark it counts what the mark has made
    altogether, so a run that is tried again reports all of its own work.
    """
    if not sessions:
        return 0
    for session in sessions:
        session.made_by = made_by
    GameSession.objects.bulk_create(sessions, ignore_conflicts=True)
    # The insert does not say which rows it left out, and a count of what was there before could be
    # outdated by the time of the insert; the mark can not.
    return GameSession.objects.filter(
        made_by=made_by,
        game_id__in={session.game_id for session in sessions},
        date__range=(min(s.date for s in sessions), max(s.date for s in sessions)),
    ).count()


def days_ahead(game: Game, *, at: datetime, count: int) -> list[date]:
    """Return `count` dates, the first of them the one in the game's zone at the aware instant `at`.

    Raises InvalidInput when the game's time zone does not exist.
    """
    today = at.astimezone(UTC).astimezone(find_zone(game.timezone)).date()
    return [today + timedelta(days=n) for n in range(count)]
