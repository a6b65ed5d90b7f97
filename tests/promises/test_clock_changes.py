"""Weekends on which a clock is changed, through the real planning: what runs, by the rules.

A field that begins with `*` means real minutes, those of both passes; a time of day that is skipped
runs once, when the gap ends, and one that is shown twice runs in its first pass.
"""

from datetime import datetime, timedelta

import pytest

from bench.dst_weekend import WEEKENDS, Weekend, compare, run_ours
from tests.promises.world import let_triggers_speak
from tests.schedules import sample_jobs  # noqa: F401 - declares the tasks

pytestmark = pytest.mark.django_db

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
AROUND = 3 * HOUR

# The hourly job, the one at midnight, and the one inside the change: when they run within three
# hours of it.
EXPECTED = {
    ("Australia/Sydney", "forward"): ("13 14 15 16 17 18 19", "14", "16"),
    ("Australia/Sydney", "back"): ("13 14 15 16 17 18 19", "13", "15:30"),
    ("Australia/Lord_Howe", "forward"): ("12:30 13:30 14:30 16 17 18", "13:30", "15:30"),
    ("Australia/Lord_Howe", "back"): ("12 13 14 15:30 16:30 17:30", "13", "14:45"),
    ("Europe/Berlin", "forward"): ("22 23 0 1 2 3 4", "23", "1"),
    ("Europe/Berlin", "back"): ("22 23 0 1 2 3 4", "22", "0:30"),
    ("Asia/Beirut", "forward"): ("19 20 21 22 23 0 1", "22", "22"),
    ("Asia/Beirut", "back"): ("18 19 20 21 22 23 0", "22", "20:30"),
}


@pytest.fixture(autouse=True)
def _noting_edits(db: None) -> None:
    let_triggers_speak()


@pytest.mark.parametrize("weekend", WEEKENDS, ids=lambda one: f"{one.zone} {one.way}")
def test_jobs_run_by_the_rules_on_the_weekend_of_a_change(weekend: Weekend) -> None:
    begin, end = weekend.change - AROUND, weekend.change + AROUND
    quarterly, *others = weekend.expressions

    found = run_ours(weekend.expressions, weekend.zone, begin - MINUTE / 2, end + MINUTE / 2)

    # Changes are by whole quarters of an hour, so a quarter is a quarter on every clock.
    assert found[quarterly] == [begin + number * 15 * MINUTE for number in range(25)]
    told = [" ".join(_utc(instant) for instant in found[expression]) for expression in others]
    assert told == list(EXPECTED[weekend.zone, weekend.way])


def test_stock_beat_is_silent_for_an_hour_and_storms_if_it_starts_in_it() -> None:
    sydney = next(one for one in WEEKENDS if (one.zone, one.way) == ("Australia/Sydney", "back"))

    quarterly, _, _, inside = compare(sydney, around=2 * HOUR)

    assert [_utc(instant) for instant in quarterly.missing] == ["16", "16:15", "16:30", "16:45"]
    assert (quarterly.ours_started_then, quarterly.stock_started_then) == (0, 1000)
    assert (inside.ours_started_then, inside.stock_started_then) == (0, 1000)


def _utc(instant: datetime) -> str:
    return f"{instant:%H:%M}".removesuffix(":00").removeprefix("0") or "0"
