"""The job of the games: next week's sessions."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DataError, IntegrityError, InternalError, ProgrammingError

from schedules.public import Cron, CurrentRun, job
from tasks.games.models import Game
from tasks.games.sessions import (
    days_ahead,
    insert_sessions,
    plan_sessions,
    short_of_sessions,
)

log = logging.getLogger(__name__)

MOST_SESSIONS = 1000
"""Sessions written in one transaction. On SQLite an open one stops every other writer."""

GAMES_LOOKED_AT = 1000
"""Games whose sessions are read at once, to leave out those that have all of them."""

ONE_GAMES_FAULT = (
    IntegrityError,
    DataError,
    InternalError,
    ProgrammingError,
    ValueError,
    TypeError,
    AttributeError,
)
"""What a row that was corrupted, or deleted meanwhile, can raise. A lost database raises on."""


@dataclass(kw_only=True)
class _Tally:
    planned: int = 0
    created: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)


@job(
    Cron("0 5 * * *", tz="Australia/Sydney"),
    # Late in the day it still makes the same seven days; the next morning comes with its own run.
    misfire_grace=timedelta(hours=12),
    idempotent=True,
    max_retries=3,
    checks=["games == 0 or created + existing > 0", "games >= 0.5 * median(games)"],
    name_en="Make the coming game sessions",
    name_ar="إنشاء جلسات الألعاب القادمة",
    name_id="Buat sesi permainan mendatang",
    description_en="Makes the sessions of every recurring game for the coming days and today.",
    description_ar="ينشئ جلسات كل لعبة متكررة للأيام القادمة، بما فيها اليوم.",
    description_id="Membuat sesi setiap permainan berulang untuk hari ini dan hari-hari mendatang.",
)
def generate_upcoming_game_sessions(*, scheduled_at: datetime, run: CurrentRun) -> dict[str, Any]:
    """Make the sessions of all recurring games for the next `settings.SESSION_LOOKAHEAD_DAYS` days.

    The first of these days is the date at `scheduled_at` in each game's own zone, so a late run
    makes the same sessions. Safe to repeat: sessions that exist are left as they are. A game that
    cannot be read or planned is reported and stops no other.
    """
    lookahead: int = settings.SESSION_LOOKAHEAD_DAYS
    ids = list(Game.objects.recurring().order_by("pk").values_list("pk", flat=True))
    tally = _Tally()
    games_at_once = max(1, MOST_SESSIONS // lookahead)
    for start in range(0, len(ids), GAMES_LOOKED_AT):
        looked_at = ids[start : start + GAMES_LOOKED_AT]
        short = _short(looked_at, at=scheduled_at, lookahead=lookahead, run=run, tally=tally)
        for first in range(0, len(short), games_at_once):
            batch = short[first : first + games_at_once]
            _make_sessions(batch, at=scheduled_at, lookahead=lookahead, run=run, tally=tally)
            done = start + len(looked_at) * (first + len(batch)) // len(short)
            run.progress(done, len(ids))
        run.progress(start + len(looked_at), len(ids))
    existing = tally.planned - tally.created
    return {
        "success": not tally.errors,
        "message": f"{len(ids)} games: {tally.created} sessions created, {existing} existed,"
        f" {len(tally.errors)} errors.",
        "games": len(ids),
        "created": tally.created,
        "existing": existing,
        "errors": tally.errors,
    }


def _short(
    ids: Sequence[int], *, at: datetime, lookahead: int, run: CurrentRun, tally: _Tally
) -> Sequence[int]:
    """Return the games that may lack a session, and count what the others have.

    A run that is tried again is short of nothing that it has made before, so it looks at all of
    them, to report all of its work.
    """
    if run.attempt > 1:
        return ids
    try:
        short, complete = short_of_sessions(ids, at=at, count=lookahead)
    except ONE_GAMES_FAULT:
        return ids  # one by one, if need be: that finds the game at fault
    tally.planned += complete
    return short


def _make_sessions(
    ids: Sequence[int], *, at: datetime, lookahead: int, run: CurrentRun, tally: _Tally
) -> None:
    """Make the sessions of these games in one short transaction; a refused batch is halved."""
    games = Game.objects.recurring().filter(pk__in=ids).order_by("pk")
    try:
        with run.fenced():
            # Locked, so that who edits one of them now waits, and brings its sessions into line
            # after us.
            sessions = [
                session
                for game in games.select_for_update(no_key=True)
                for session in plan_sessions(game, days_ahead(game, at=at, count=lookahead))
            ]
            created = insert_sessions(sessions, made_by=run.task_id)
    except ONE_GAMES_FAULT as error:
        if len(ids) > 1:
            middle = len(ids) // 2
            for half in (ids[:middle], ids[middle:]):
                _make_sessions(half, at=at, lookahead=lookahead, run=run, tally=tally)
            return
        log.exception("game left out", extra={"action": "game_left_out", "game": ids[0]})
        tally.errors.append({"game_id": ids[0], "error": f"{type(error).__name__}: {error}"})
    else:
        tally.planned += len(sessions)
        tally.created += created
