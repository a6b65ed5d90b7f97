"""What an expression may say, and how a wrong one is refused."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.timing import Cron, InvalidTimetable
from schedules.timing.grammar import LONGEST, MACROS, parse

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "field", "found", "accepted"),
    [
        ("61 * * * *", "minute", "61", "write 0 to 59"),
        ("* 24 * * *", "hour", "24", "write 0 to 23"),
        ("* * 32 * *", "day of month", "32", "L, 15W, LW"),
        ("* * * 0 *", "month", "0", "write 1 to 12 or JAN to DEC"),
        ("* * * * 8", "day of week", "8", "write 0 to 7 or SUN to SAT"),
        ("a b c d e", "minute", "a", "*, a range such as 1-4, a step such as */2"),
        ("* * * * fri-mon", "day of week", "fri-mon", "write one that wraps as two"),
        ("*/0 * * * *", "minute", "*/0", "counts up by at least 1"),
        ("1,2,x * * * *", "minute", "1,2,x", "separated by commas"),
        ("* * *", "expression", "* * *", "this has 3"),
        ("* * * * * * *", "expression", "* * * * * * *", "this has 7"),
        ("", "expression", "", "this has 0"),
        ("@reboot", "expression", "@reboot", "@midnight or @hourly"),
    ],
)
def test_a_refusal_names_the_field_what_was_found_and_what_is_accepted(
    expression: str, field: str, found: str, accepted: str
) -> None:
    with pytest.raises(InvalidTimetable) as refusal:
        Cron(expression)

    assert (refusal.value.field, refusal.value.found) == (field, found)
    assert accepted in refusal.value.accepted
    assert str(refusal.value).startswith(f"{field} is {found!r}: ")


def test_an_expression_is_text() -> None:
    with pytest.raises(InvalidTimetable, match="expression is '5'"):
        Cron(5)  # type: ignore[arg-type]


def test_an_expression_over_255_characters_is_refused() -> None:
    longest = ",".join(["1"] * 124) + " * * * *"

    assert len(longest) == LONGEST
    assert Cron(longest) == Cron(longest)
    with pytest.raises(InvalidTimetable, match=r"at most 255 characters \(these are 256\)"):
        Cron(longest + " ")


@pytest.mark.parametrize(
    ("expression", "same"),
    [
        ("0 0 * * 7", "0 0 * * 0"),
        ("0 0 * * 5-7", "0 0 * * 5,6,0"),
        ("0 0 * * 0-7", "0 0 * * 0-6"),
        ("0 0 * * 3/2", "0 0 * * 3,5"),
        ("0 0 * * 5/1", "0 0 * * 5,6"),
        ("0 0 * * 7/2", "0 0 * * 0"),
        ("0 0 * * Fri#2,monL", "0 0 * * 5#2,1L"),
        ("0 0 * * 7#1,7L", "0 0 * * 0#1,0L"),
        ("0 0 1-fri jan-3 *", None),
        ("0 0 * JAN-mar,12 *", "0 0 * 1,2,3,12 *"),
        ("50/100 7/9 * * *", "50 7,16 * * *"),
        ("05 007 * * *", "5 7 * * *"),
        ("0 0 l,lw,1w * *", "0 0 L,LW,1W * *"),
    ],
)
def test_two_ways_to_write_the_same(expression: str, same: str | None) -> None:
    if same is None:
        with pytest.raises(InvalidTimetable):
            parse(expression)
    else:
        assert parse(expression) == parse(same)


@pytest.mark.parametrize("macro", MACROS)
def test_a_macro_means_its_five_fields(macro: str) -> None:
    meant = Cron(MACROS[macro]).next_after(NEW_YEAR)

    assert Cron(macro).next_after(NEW_YEAR) == meant
    assert Cron(macro.upper()).next_after(NEW_YEAR) == meant


def test_space_around_and_between_fields_is_no_difference() -> None:
    assert Cron(" 0\t 5 *  * *\r\n") == Cron("0 5 * * *")


@pytest.mark.parametrize(
    "expression",
    [
        "0 0 L-3 * *",
        "0 0 1-5W * *",
        "0 0 L/2 * *",
        "0 0 32W * *",
        "0 0 WL * *",
        "0 0 * * L",
        "0 0 * * 1#0",
        "0 0 * * #1",
        "0 0 * * 1#1-3",
        "1_0 * * * *",
        "+1 * * * *",
        "-1 * * * *",
        "*-5 * * * *",
        "* * * * *\u00a0",
        "*\x1f* * * * *",
        "\x00 * * * *",
        "* * * \u212a *",
    ],
)
def test_what_other_programs_read_differently_is_refused(expression: str) -> None:
    with pytest.raises(InvalidTimetable):
        Cron(expression)


@settings(max_examples=250, deadline=None)
@given(st.text() | st.text("0123456789*/-,#LW@ adefjnosu\t", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = Cron(text).next_after(NEW_YEAR)
    except InvalidTimetable:
        return

    assert found is None or found > NEW_YEAR


@pytest.mark.parametrize(
    "text",
    [
        "1" * 250,
        "1-" * 125,
        "*/" * 125,
        "l" * 250,
        "1,2-3/4," * 31,
        "9" * 246 + " * * * *",
        "@" * 250,
    ],
)
def test_reading_takes_no_longer_than_the_text_is_long(text: str) -> None:
    started = time.process_time()
    with pytest.raises(InvalidTimetable):
        Cron(text)

    assert time.process_time() - started < 0.05
