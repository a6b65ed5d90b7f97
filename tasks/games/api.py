"""`/games`: games by their rule, and the sessions that come of it."""

from datetime import date, timedelta
from typing import Annotated, Any, Literal

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Status
from pydantic import Field

from schedules.public import InvalidInput, database_now
from schedules.public.rest import (
    NOT_BLANK,
    WHOLE,
    Asked,
    Day,
    Flag,
    Moment,
    Paged,
    PageQuery,
    Reply,
    WallTime,
    iso,
    needs,
    page_of,
    row_or_404,
)
from tasks.games.editing import Effect, delete_game, save_game
from tasks.games.models import LONGEST_DURATION, Game, GameSession

router = Router(tags=["games"], by_alias=True)

VIEW, VIEW_SESSIONS = "games.view_game", "games.view_gamesession"
ADD, CHANGE, DELETE = "games.add_game", "games.change_game", "games.delete_game"
LONGEST_MINUTES = LONGEST_DURATION // timedelta(minutes=1)

GameId = Annotated[int, Field(ge=1, le=2**63 - 1)]
Recurrences = Literal["once", "daily", "weekly", "fortnightly", "monthly"]
Title = Annotated[str, Field(min_length=1, max_length=200), NOT_BLANK]
Weekday = Annotated[int, Field(ge=0, le=6), WHOLE]


class GameReply(Reply):
    """A game and when it is played."""

    id: int
    title: str
    recurrence: Recurrences
    weekdays: list[int]
    day_of_month: int | None
    start_time: str
    duration_minutes: int
    timezone: str
    starts_on: date
    ends_on: date | None
    is_active: bool


class SessionEffect(Reply):
    """What a change did to the game's sessions to come. Those that have begun never change."""

    created: int
    moved: int
    removed: int


class GameSaved(GameReply):
    """A game that was saved, and what that did."""

    sessions: SessionEffect


class GamePage(Paged):
    """One page of games, by title."""

    items: list[GameReply]


class SessionReply(Reply):
    """One time that a game is played; `date` is that of the game's own zone."""

    id: int
    game_id: int
    date: date
    starts_at: Moment
    ends_at: Moment


class SessionPage(Paged):
    """One page of sessions, the earliest first."""

    items: list[SessionReply]


class GameQuery(PageQuery):
    """Which games."""

    recurrence: Recurrences | None = None
    is_active: Flag | None = None


class SessionQuery(PageQuery):
    """Which sessions: by the date in the game's zone, both ends included."""

    date_from: Day | None = None
    date_to: Day | None = None


class GameUpdate(Asked):
    """Changes to a game: what is left out stays. Its sessions to come follow."""

    title: Title | None = None
    recurrence: Recurrences | None = None
    weekdays: Annotated[list[Weekday], Field(max_length=7)] | None = Field(
        None,
        description="0 is Monday. Of weekly and fortnightly games; of daily ones, if not each.",
    )
    day_of_month: Annotated[int, Field(ge=1, le=31), WHOLE] | None = Field(
        None, description="Of monthly games; in a shorter month its last day."
    )
    start_time: WallTime | None = Field(None, description="On the clocks of `timezone`.")
    duration_minutes: Annotated[int, Field(ge=1, le=LONGEST_MINUTES), WHOLE] | None = None
    timezone: Annotated[str, Field(max_length=64)] | None = Field(None, description="IANA name.")
    starts_on: Day | None = Field(None, description="A fortnightly game counts its weeks from it.")
    ends_on: Day | None = None
    is_active: bool | None = Field(None, description="false: the sessions to come are removed.")


class GameCreate(GameUpdate):
    """A new game; weekly where nothing else is said, which needs its `weekdays`."""

    title: Title
    start_time: WallTime
    starts_on: Day


@router.get("", auth=needs(VIEW), response=GamePage, operation_id="listGames")
def list_all(request: HttpRequest, query: Query[GameQuery]) -> Any:
    """List the games by title."""
    rows = Game.objects.order_by("title", "pk")
    if query.recurrence is not None:
        rows = rows.filter(recurrence=query.recurrence)
    if query.is_active is not None:
        rows = rows.filter(is_active=query.is_active)
    return page_of(rows, query, _shape)


@router.post("", auth=needs(ADD), response={201: GameSaved}, operation_id="createGame")
def create(request: HttpRequest, response: HttpResponse, data: GameCreate) -> Any:
    """Make a game, and its sessions of the coming days."""
    game = Game()
    effect = _put(game, data)
    response.headers["Location"] = f"{request.path.rstrip('/')}/{game.pk}"
    return Status(201, _saved(game, effect))


@router.get("/{int:game_id}", auth=needs(VIEW), response=GameReply, operation_id="getGame")
def get(request: HttpRequest, game_id: GameId) -> Any:
    """Show a game."""
    return _shape(_game_or_404(game_id))


@router.patch("/{int:game_id}", auth=needs(CHANGE), response=GameSaved, operation_id="updateGame")
def update(request: HttpRequest, game_id: GameId, data: GameUpdate) -> Any:
    """Change a game. Its sessions to come are moved or removed; those that have begun stay."""
    with transaction.atomic():
        game = _game_or_404(game_id, locked=True)
        effect = _put(game, data)
    return _saved(game, effect)


@router.delete(
    "/{int:game_id}", auth=needs(DELETE), response={204: None}, operation_id="deleteGame"
)
def delete(request: HttpRequest, game_id: GameId) -> Any:
    """Delete a game that has never been played; any other is refused with 409."""
    delete_game(_game_or_404(game_id), now=database_now())
    return Status(204, None)


@router.get(
    "/{int:game_id}/sessions",
    auth=needs(VIEW_SESSIONS),
    response=SessionPage,
    operation_id="listGameSessions",
)
def sessions(request: HttpRequest, game_id: GameId, query: Query[SessionQuery]) -> Any:
    """List the sessions of a game, past ones too."""
    rows = _game_or_404(game_id).sessions.order_by("starts_at", "pk")
    if query.date_from is not None:
        rows = rows.filter(date__gte=query.date_from)
    if query.date_to is not None:
        rows = rows.filter(date__lte=query.date_to)
    return page_of(rows, query, _session_shape)


def _game_or_404(game_id: int, *, locked: bool = False) -> Game:
    rows = Game.objects.select_for_update(no_key=True) if locked else Game.objects.all()
    return row_or_404(rows, game_id)


def _put(game: Game, data: GameUpdate) -> Effect:
    """Take the given fields over, look at the whole row, and save it with its sessions."""
    given = data.given()
    if (minutes := given.pop("duration_minutes", None)) is not None:
        given["duration"] = timedelta(minutes=minutes)
    if given.get("weekdays"):
        given["weekdays"] = list(dict.fromkeys(given["weekdays"]))
    for name, value in given.items():
        if value is None and not Game._meta.get_field(name).null:
            raise InvalidInput(name, "null", "a value; leave it out to keep the old one")
        setattr(game, name, value)
    game.full_clean()
    return save_game(game, now=database_now())


def _saved(game: Game, effect: Effect) -> dict[str, Any]:
    made = {"created": effect.created, "moved": effect.moved, "removed": effect.removed}
    return {**_shape(game), "sessions": made}


def _shape(game: Game) -> dict[str, Any]:
    return {
        "id": game.pk,
        "title": game.title,
        "recurrence": game.recurrence,
        "weekdays": game.weekdays,
        "dayOfMonth": game.day_of_month,
        "startTime": game.start_time.isoformat(),
        "durationMinutes": game.duration // timedelta(minutes=1),
        "timezone": game.timezone,
        "startsOn": game.starts_on,
        "endsOn": game.ends_on,
        "isActive": game.is_active,
    }


def _session_shape(session: GameSession) -> dict[str, Any]:
    return {
        "id": session.pk,
        "gameId": session.game_id,
        "date": session.date,
        "startsAt": iso(session.starts_at),
        "endsAt": iso(session.ends_at),
    }
