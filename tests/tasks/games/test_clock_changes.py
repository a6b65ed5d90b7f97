"""All recurrences over the weekends on which clocks change, in Sydney and on Lord Howe Island.

In 2030 Sydney goes from 02:00 to 03:00 on 6 October and from 03:00 back to 02:00 on 7 April; Lord
Howe by half an hour, from 02:00 to 02:30 and from 02:00 back to 01:30.
"""

from datetime import date, time, timedelta
from typing import Any

import pytest

from tasks.games.models import Game
from tasks.games.sessions import plan_sessions

SPRING = date(2030, 10, 6)
AUTUMN = date(2030, 4, 7)

RULES: dict[str, dict[str, Any]] = {
    "daily": {},
    "weekly": {"weekdays": [6]},
    "fortnightly": {"weekdays": [6]},
    "monthly": {},
}
DAYS_BETWEEN = {"daily": 1, "weekly": 7, "fortnightly": 14}

# The zone, the change, the wall clock, and the UTC times of the session before it, on the day of
# it, and after it. All lie on the day before, in UTC.
CHANGES = [
    ("Australia/Sydney", SPRING, time(2, 30), ("16:30", "16:00", "15:30")),  # it does not exist
    ("Australia/Sydney", AUTUMN, time(2, 30), ("15:30", "15:30", "16:30")),  # the first of two
    ("Australia/Sydney", SPRING, time(19, 30), None),
    ("Australia/Lord_Howe", SPRING, time(2, 15), ("15:45", "15:30", "15:15")),
    ("Australia/Lord_Howe", AUTUMN, time(1, 45), ("14:45", "14:45", "15:15")),
]


def neighbours(recurrence: str, change: date) -> list[date]:
    """The session before the change, that on its day, and the one after."""
    if recurrence == "monthly":
        return [change.replace(month=change.month + n) for n in (-1, 0, 1)]
    between = timedelta(days=DAYS_BETWEEN[recurrence])
    return [change - between, change, change + between]


@pytest.mark.parametrize("recurrence", RULES)
@pytest.mark.parametrize(("zone", "change", "at", "utc"), CHANGES)
def test_the_wall_clock_is_kept_over_a_change(
    recurrence: str, zone: str, change: date, at: time, utc: tuple[str, ...] | None
) -> None:
    days = neighbours(recurrence, change)
    game = Game(
        recurrence=recurrence,
        start_time=at,
        timezone=zone,
        starts_on=days[0],
        **RULES[recurrence],
    )
    span = (days[-1] - days[0]).days + 1

    sessions = plan_sessions(game, [days[0] + timedelta(days=n) for n in range(span)])

    assert [session.date for session in sessions] == days
    assert {session.ends_at - session.starts_at for session in sessions} == {timedelta(hours=2)}
    if utc is None:  # an evening: the clocks have been changed by then
        assert [f"{session.starts_at:%H:%M}" for session in sessions] == ["09:30", "08:30", "08:30"]
        return
    yesterday = timedelta(days=1)
    assert [session.starts_at.date() + yesterday for session in sessions] == days
    assert tuple(f"{session.starts_at:%H:%M}" for session in sessions) == utc
