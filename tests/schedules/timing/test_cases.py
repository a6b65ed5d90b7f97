"""The generated tables: on most rows at least two independent libraries agree."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from schedules.timing import Cron, Every, InvalidTimetable, occurrences
from tests.schedules.timing.cases import instants, table

NEXT = ("next1", "next2", "next3")


def same_zone_data(row: dict[str, str]) -> bool:
    """Tell whether this machine's zone data still puts the expected times where the table does.

    Governments change their minds: the table was made with an older release than may be installed.
    """
    expected = [datetime.fromisoformat(row[column]) for column in NEXT]
    zone = ZoneInfo(row["tz"])
    return all(time.astimezone(zone).utcoffset() == time.utcoffset() for time in expected)


@pytest.mark.parametrize("row", table("cron_cases"), ids=lambda row: row["id"])
def test_a_cron_case_gives_its_three_occurrences(row: dict[str, str]) -> None:
    if not same_zone_data(row):
        pytest.skip(f"the zone data for {row['tz']} has changed since")
    (after,) = instants(row, "after")

    found = list(occurrences(Cron(row["expression"], tz=row["tz"]), after=after, count=3))

    assert found == instants(row, *NEXT)


def test_hardly_a_case_is_outdated() -> None:
    outdated = [row["id"] for row in table("cron_cases") if not same_zone_data(row)]

    assert len(outdated) <= 10, outdated


@pytest.mark.parametrize("row", table("interval_cases"), ids=lambda row: row["id"])
def test_an_interval_case_gives_its_three_occurrences(row: dict[str, str]) -> None:
    anchor, after = instants(row, "anchor", "after")
    every = Every(timedelta(**{row["unit"]: float(row["every"])}), anchor=anchor)

    assert list(occurrences(every, after=after, count=3)) == instants(row, *NEXT)


@pytest.mark.parametrize("row", table("cron_syntax"), ids=lambda row: repr(row["expression"]))
def test_an_expression_is_accepted_or_refused_as_the_table_says(row: dict[str, str]) -> None:
    try:
        found = Cron(row["expression"]).next_after(datetime(2026, 1, 1, tzinfo=UTC))
        outcome = "accept" if found else "never fires"
    except InvalidTimetable:
        outcome = "refuse"

    assert outcome == row["our_rule"]
