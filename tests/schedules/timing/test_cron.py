"""Cron in a time zone: changes of the clock, day fields, ends of the calendar, values."""

import copy
import pickle
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schedules.timing import Cron, DayRule, InvalidTimetable, occurrences

MAY = datetime(2026, 5, 1, tzinfo=UTC)


def local_times(cron: Cron, after: str, count: int) -> list[str]:
    """Return occurrences as the wall clock shows them, with its offset."""
    zone = ZoneInfo(cron.tz)
    start = datetime.fromisoformat(after)
    return [
        found.astimezone(zone).strftime("%m-%d %H:%M%z")
        for found in occurrences(cron, after=start, count=count)
    ]


def test_a_skipped_time_of_day_fires_once_when_the_gap_ends() -> None:
    cron = Cron("15,45 3 * * *", tz="Europe/Riga")  # 03:00 becomes 04:00 on 30 March 2025

    assert local_times(cron, "2025-03-29T12:00Z", 2) == ["03-30 04:00+0300", "03-31 03:15+0300"]


def test_skipped_minutes_of_a_starred_field_do_not_fire() -> None:
    cron = Cron("*/30 3 * * *", tz="Europe/Riga")

    assert local_times(cron, "2025-03-29T12:00Z", 1) == ["03-31 03:00+0300"]


def test_a_time_of_day_shown_twice_fires_the_first_time() -> None:
    cron = Cron("30 3 * * *", tz="Europe/Riga")  # 04:00 becomes 03:00 on 26 October 2025

    found = local_times(cron, "2025-10-25T12:00Z", 2)

    assert found == ["10-26 03:30+0300", "10-27 03:30+0200"]


@pytest.mark.parametrize("minute", [5, 29, 30, 31, 59])
def test_asked_in_the_second_pass_a_time_of_day_is_over(minute: int) -> None:
    second_pass = f"2025-10-26T03:{minute:02}+02:00"

    assert local_times(Cron("30 3 * * *", tz="Europe/Riga"), second_pass, 1) == ["10-27 03:30+0200"]


def test_a_starred_field_fires_in_both_passes() -> None:
    cron = Cron("*/30 * * * *", tz="Europe/Riga")

    assert local_times(cron, "2025-10-26T03:10+03:00", 4) == [
        "10-26 03:30+0300",
        "10-26 03:00+0200",
        "10-26 03:30+0200",
        "10-26 04:00+0200",
    ]


def test_a_whole_day_may_be_missing() -> None:
    # Samoa went from 29 to 31 December 2011.
    named = Cron("0 12 30 12 *", tz="Pacific/Apia")
    starred = Cron("0 * 30 12 *", tz="Pacific/Apia")

    assert local_times(named, "2011-12-01T00:00Z", 2) == ["12-31 00:00+1400", "12-30 12:00+1400"]
    assert local_times(starred, "2011-12-01T00:00Z", 1) == ["12-30 00:00+1400"]


@pytest.mark.parametrize(
    ("expression", "day_rule", "days"),
    [
        ("0 0 13 * 5", "any", "2026-05-01 2026-05-08 2026-05-13 2026-05-15"),
        ("0 0 13 * 5", "all", "2026-11-13 2027-08-13 2028-10-13 2029-04-13"),
        ("0 0 */10 * 5", "any", "2026-05-01 2026-07-31 2026-08-21 2026-09-11"),
        ("0 0 1 * 2#1", "any", "2026-05-01 2026-05-05 2026-06-01 2026-06-02"),
        ("0 0 31W * *", "any", "2026-05-29 2026-07-31 2026-08-31 2026-10-30"),
        ("0 0 L * *", "any", "2026-05-31 2026-06-30 2026-07-31 2026-08-31"),
        ("0 0 LW * *", "any", "2026-05-29 2026-06-30 2026-07-31 2026-08-31"),
        ("0 0 * * 5L", "any", "2026-05-29 2026-06-26 2026-07-31 2026-08-28"),
    ],
)
def test_day_fields(expression: str, day_rule: DayRule, days: str) -> None:
    cron = Cron(expression, day_rule=day_rule)
    start = MAY - timedelta(seconds=1)

    found = list(occurrences(cron, after=start, count=4))

    assert [day.date().isoformat() for day in found] == days.split()


def test_the_nearest_weekday_stays_in_its_month() -> None:
    # 1 August 2026 is a Saturday, 31 May 2026 a Sunday.
    first = Cron("0 0 1W 8 *").next_after(MAY)
    last = Cron("0 0 31W 5 *").next_after(MAY)

    assert (first, last) == (datetime(2026, 8, 3, tzinfo=UTC), datetime(2026, 5, 29, tzinfo=UTC))


@pytest.mark.parametrize(
    ("expression", "tz", "day_rule"),
    [
        ("0 0 31 2 *", "UTC", "any"),
        ("0 0 30 2 1", "Asia/Jakarta", "all"),
        ("0 0 31W 4,6,9,11 *", "UTC", "any"),
        ("0 0 1-7 * 5#2", "UTC", "all"),
        ("*/20 2 8-14 3 */7", "America/New_York", "any"),  # always in the hour that is skipped
        ("*/5 3 * 3 0L", "Europe/Riga", "any"),
    ],
)
def test_what_never_fires_is_found_out_at_once(expression: str, tz: str, day_rule: DayRule) -> None:
    started = time.process_time()

    assert Cron(expression, tz=tz, day_rule=day_rule).next_after(MAY) is None
    assert time.process_time() - started < 0.2


@pytest.mark.parametrize(
    ("expression", "day_rule", "expected"),
    [
        ("0 0 29 2 MON#5", "any", "2028-02-29"),
        ("0 0 29 2 MON#5", "all", "2044-02-29"),
        ("0 0 29 2 *", "any", "2028-02-29"),
        ("0 9 * 2 SUN#5", "any", "2032-02-29"),
    ],
)
def test_what_fires_rarely_is_found_at_once(
    expression: str, day_rule: DayRule, expected: str
) -> None:
    started = time.process_time()
    found = Cron(expression, day_rule=day_rule).next_after(MAY)

    assert time.process_time() - started < 0.2
    assert found is not None
    assert found.date().isoformat() == expected


def test_across_a_century_without_a_leap_day() -> None:
    found = Cron("0 0 29 2 *").next_after(datetime(2097, 1, 1, tzinfo=UTC))

    assert found == datetime(2104, 2, 29, tzinfo=UTC)


@pytest.mark.parametrize("tz", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_calendar_has_two_ends(tz: str) -> None:
    cron = Cron("* * * * *", tz=tz)

    last = cron.next_after(datetime.max.replace(tzinfo=UTC))
    first = cron.next_after(datetime.min.replace(tzinfo=UTC))

    assert last is None
    assert first is not None
    assert first < datetime(1, 1, 4, tzinfo=UTC)


def test_the_answer_is_in_utc_and_strictly_later() -> None:
    tokyo = timezone(timedelta(hours=9))

    found = Cron("0 9 * * *", tz="Asia/Tokyo").next_after(datetime(2026, 5, 1, 9, tzinfo=tokyo))

    assert found == datetime(2026, 5, 2, tzinfo=UTC)
    assert found is not None
    assert found.tzinfo is UTC


@pytest.mark.parametrize("instant", [datetime(2026, 5, 1), "2026-05-01", None])  # noqa: DTZ001
def test_an_instant_without_an_offset_is_refused(instant: Any) -> None:
    with pytest.raises(InvalidTimetable, match=r"^instant is .*with its UTC offset"):
        Cron("* * * * *").next_after(instant)


@pytest.mark.parametrize(
    "tz",
    [
        "Mars/Olympus",
        "",
        "../etc/passwd",
        "/etc/localtime",
        "Europe",
        "x" * 5000,
        "a\0b",
        "\u00e9",
        "posixrules",
        "right/UTC",
        None,
        5,
        UTC,
    ],
)
def test_a_zone_that_iana_does_not_know_is_refused(tz: Any) -> None:
    with pytest.raises(InvalidTimetable, match="IANA name") as refusal:
        Cron("* * * * *", tz=tz)

    assert refusal.value.field == "timezone"


def test_a_misspelt_zone_is_answered_with_the_nearest() -> None:
    with pytest.raises(InvalidTimetable, match=r"^timezone is 'Asia/Jakrata'.*Asia/Jakarta\.$"):
        Cron("* * * * *", tz="Asia/Jakrata")


def test_an_unknown_day_rule_is_refused() -> None:
    with pytest.raises(InvalidTimetable, match="day_rule is 'either': write any or all"):
        Cron("* * * * *", day_rule="either")  # type: ignore[arg-type]


def test_it_is_a_value() -> None:
    cron = Cron("0 5 * * *", ZoneInfo("Asia/Jakarta"))

    assert cron == Cron("0 5 * * *", tz="Asia/Jakarta", day_rule="any")
    assert len({cron, Cron("0 5 * * *", "Asia/Jakarta"), Cron("0 5 * * *")}) == 2
    assert repr(cron) == "Cron(expression='0 5 * * *', tz='Asia/Jakarta', day_rule='any')"
    for twin in (pickle.loads(pickle.dumps(cron)), copy.deepcopy(cron)):  # noqa: S301
        assert twin == cron
        assert twin.next_after(MAY) == cron.next_after(MAY)
    with pytest.raises(AttributeError):
        cron.tz = "UTC"  # type: ignore[misc]
