"""What an .ics file says, and what of it is refused."""

from datetime import UTC, date, datetime

import pytest

from schedules.errors import InvalidInput
from schedules.operations.calendar_files import dates_in

TODAY = date(2026, 3, 2)


def file(*events: str) -> str:
    inside = "\r\n".join(
        f"BEGIN:VEVENT\r\nUID:{place}\r\n{event}\r\nEND:VEVENT"
        for place, event in enumerate(events)
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\n{inside}\r\nEND:VCALENDAR\r\n"


def read(*events: str) -> list[str]:
    return [day.isoformat() for day in dates_in(file(*events), today=TODAY)]


def test_an_event_of_several_days_counts_on_each_and_its_end_on_none() -> None:
    assert read("DTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261227") == [
        "2026-12-24",
        "2026-12-25",
        "2026-12-26",
    ]
    assert read("DTSTART:20260501T220000\r\nDURATION:PT4H") == ["2026-05-01", "2026-05-02"]
    assert read(
        "DTSTART;TZID=Asia/Jakarta:20260817T000000\r\nDTEND;TZID=Asia/Jakarta:20260818T000000"
    ) == ["2026-08-17"]
    assert read("DTSTART;VALUE=DATE:20261225") == ["2026-12-25"]


def test_a_rule_is_followed_for_ten_years_without_its_exceptions() -> None:
    yearly = "DTSTART;VALUE=DATE:20201225\r\nRRULE:FREQ=YEARLY\r\nEXDATE;VALUE=DATE:20271225"

    found = read(yearly)

    assert found[:1] == ["2020-12-25"]
    assert "2027-12-25" not in found
    assert found[-1] == "2035-12-25"


def test_a_moved_day_of_a_rule_stands_in_for_its_own() -> None:
    text = file(
        "DTSTART;VALUE=DATE:20260105\r\nRRULE:FREQ=WEEKLY;COUNT=3",
        "RECURRENCE-ID;VALUE=DATE:20260112\r\nDTSTART;VALUE=DATE:20260114",
    ).replace("UID:1", "UID:0")

    found = dates_in(text, today=TODAY)

    assert found == [date(2026, 1, 5), date(2026, 1, 14), date(2026, 1, 19)]


def test_an_end_is_heeded_on_the_clock_of_the_event() -> None:
    rule = "DTSTART;TZID=Asia/Jakarta:20261223T000000\r\nRRULE:FREQ=DAILY;UNTIL=20261224T170000Z"

    assert read(rule) == ["2026-12-23", "2026-12-24", "2026-12-25"]


def test_what_a_rule_leaves_out_is_read_on_the_clock_of_the_event() -> None:
    daily = "DTSTART;TZID=Asia/Jakarta:20261224T060000\r\nRRULE:FREQ=DAILY;COUNT=3"

    assert read(f"{daily}\r\nEXDATE:20261224T230000Z") == ["2026-12-24", "2026-12-26"]


def test_what_was_called_off_does_not_count() -> None:
    assert read(
        "DTSTART;VALUE=DATE:20261225", "DTSTART;VALUE=DATE:20261226\r\nSTATUS:CANCELLED"
    ) == ["2026-12-25"]


DATE = "DTSTART;VALUE=DATE:20260105\r\nSUMMARY:Rest day\r\n"
THERE = "DTSTART;TZID=America/New_York:20260105T090000\r\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "ics is '': the text of an iCalendar file"),
        ("hello", "ics is 'hello': the text of an iCalendar file"),
        ("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", "the text of an iCalendar file"),
        ("\x00\xff", "the text of an iCalendar file"),
        ("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "ics is 'no events': a file with at least one"),
        ("x" * 1_000_001, "'1000001 characters': a file of at most 1000000 characters"),
        (file("SUMMARY:Rest day"), "DTSTART missing of 'Rest day'"),
        (file("DTSTART:20261301"), "DTSTART 20261301 of '0'"),
        (file("DTSTART;VALUE=DATE:00010105"), "a date from 1970-01-01 to 2999-12-31"),
        (
            file(f"{DATE}DTEND;VALUE=DATE:20280105"),
            "DTEND 730 days of 'Rest day'\": DTEND at most 366",
        ),
        (file(f"{DATE}DURATION:P999999999D"), "DURATION"),
        (
            file(f"{DATE}RRULE:FREQ=SECONDLY"),
            "FREQ of DAILY, WEEKLY, MONTHLY, YEARLY that says which days",
        ),
        (file(f"{DATE}RRULE:FREQ=DAILY;BYHOUR=1,2"), "that says which days"),
        (file(f"{DATE}RRULE:FREQ=DAILY;INTERVAL=0"), "that says which days"),
        (file(f"{DATE}RRULE:FREQ=DAILY;BYMONTHDAY=30;BYMONTH=2"), "that says which days"),
        (file(f"{DATE}RRULE:FREQ=FOO"), "that says which days"),
        (file(f"{DATE}RRULE:FREQ=YEARLY\r\nRRULE:FREQ=DAILY"), "one rule"),
        (file(f"{DATE}EXDATE:x"), "EXDATE"),
        (file(f"{THERE}EXDATE:00010101T000000Z"), "EXDATE"),
        (file(f"{THERE}RDATE:00010101T000000Z"), "RDATE"),
        (file(f"{DATE}RDATE;VALUE=DATE:99991231"), "RDATE a date from 1970-01-01 to 2999"),
        (file(f"{THERE}RECURRENCE-ID:00010101T000000Z"), "RECURRENCE-ID"),
        (file(f"{THERE}RRULE:FREQ=DAILY;UNTIL=00010101T000000Z"), "RRULE"),
        (file(f"{THERE}DTEND:00010101T000000Z"), "DTEND not before its DTSTART"),
        (file(f"{DATE}DTEND;VALUE=DATE:00010101"), "DTEND not before its DTSTART"),
        (file(f"{DATE}RRULE:FREQ=DAILY"), "'over 2000 dates': at most 2000 dates"),
        (file(*[""] * 5001), "'5001 events, 0 of them repeating': at most 5000 events"),
        (file(*[f"{DATE}RRULE:FREQ=YEARLY"] * 101), "100 of them repeating"),
    ],
)
def test_what_cannot_be_read_or_is_too_much_is_refused_in_one_sentence(
    text: str, sentence: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        dates_in(text, today=TODAY)

    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "rule", ["FREQ=DAILY;INTERVAL=7;BYDAY=WE", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO;BYMONTH=6"]
)
def test_a_rule_that_never_fits_comes_to_an_end(rule: str) -> None:
    found = dates_in(file(f"DTSTART;VALUE=DATE:19700105\r\nRRULE:{rule};COUNT=999999"), today=TODAY)

    assert found == [datetime(1970, 1, 5, tzinfo=UTC).date()]


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (f"{DATE}DTEND;VALUE=DATE:20260101", "DTEND not before its DTSTART"),
        ("DTSTART:20270101T100000\r\nDTEND:20270101T090000", "DTEND not before its DTSTART"),
        ("DTSTART;TZID=Mars/Base:20270101T100000", "DTSTART with a TZID"),
        (f"{DATE}RDATE;TZID=Mars/Base:20270101T100000", "RDATE with a TZID"),
        (f"{DATE}RRULE:FREQ=DAILY\r\nEXDATE;TZID=Mars/Base:20270101T100000", "EXDATE with a TZID"),
    ],
)
def test_an_end_before_its_begin_and_an_unknown_zone_are_refused_by_name(
    event: str, sentence: str
) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        read(event)
