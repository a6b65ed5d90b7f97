"""Timetables as JSON, there and back."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.timing import (
    At,
    Cron,
    Every,
    InvalidTimetable,
    Solar,
    Timetable,
    Window,
    from_spec,
    to_spec,
)
from tests.schedules.timing.cases import ZONES

MAY = datetime(2026, 5, 1, tzinfo=UTC)

instants = st.datetimes(
    datetime(1900, 1, 1),  # noqa: DTZ001
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
)
plain: st.SearchStrategy[Timetable] = st.one_of(
    st.builds(
        Cron,
        st.sampled_from(["0 5 * * *", "@daily", "*/5 8-18 L * 1#1"]),
        st.sampled_from(ZONES),
        st.sampled_from(["any", "all"]),
    ),
    st.builds(Every, st.timedeltas(timedelta(seconds=1)), instants),
    st.builds(At, instants),
    st.builds(Solar, st.just("sunset"), st.floats(-90, 90), st.integers(-180, 180)),
)
timetables = plain | st.builds(Window, plain, st.none() | instants, st.none())


@given(timetables)
def test_a_timetable_survives_json(timetable: Timetable) -> None:
    stored = json.dumps(to_spec(timetable))

    again = from_spec(json.loads(stored))

    assert again == timetable
    assert json.dumps(to_spec(again)) == stored


@pytest.mark.parametrize(
    ("timetable", "spec"),
    [
        (
            Cron("0  5 * * *", "Asia/Jakarta"),
            {"type": "cron", "expression": "0 5 * * *", "tz": "Asia/Jakarta", "day_rule": "any"},
        ),
        (
            Every(timedelta(seconds=1.5)),
            {"type": "every", "microseconds": 1500000, "anchor": "1970-01-01T00:00:00Z"},
        ),
        (At(MAY), {"type": "at", "instant": "2026-05-01T00:00:00Z"}),
        (
            Solar("sunset", 1, -2.5),
            {"type": "solar", "event": "sunset", "latitude": 1.0, "longitude": -2.5},
        ),
        (
            Window(At(MAY), ends_at=MAY),
            {
                "type": "window",
                "of": {"type": "at", "instant": "2026-05-01T00:00:00Z"},
                "starts_at": None,
                "ends_at": "2026-05-01T00:00:00Z",
            },
        ),
    ],
)
def test_the_stored_form_stays_as_it_is(timetable: Timetable, spec: dict[str, Any]) -> None:
    assert to_spec(timetable) == spec


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({}, "type is 'None': write one of cron, every, at, solar, on_days, window"),
        ({"type": "yearly"}, "type is 'yearly'"),
        (None, "type is 'None'"),
        ({"type": ["cron"]}, "type is "),
        (
            {"type": "at"},
            "timetable is 'type': a timetable of type at has exactly the keys type, instant",
        ),
        ({"type": "at", "instant": MAY.isoformat(), "day": 1}, "timetable is 'type, instant, day'"),
        ({"type": "at", "instant": "2026-05-01"}, "instant is '2026-05-01T00:00:00'"),
        ({"type": "at", "instant": 5}, "instant is '5'"),
        ({"type": "every", "microseconds": "x", "anchor": "2026-05-01T00Z"}, "microseconds is 'x'"),
        ({"type": "every", "microseconds": 5, "anchor": "2026-05-01T00Z"}, "interval is "),
        ({"type": "every", "microseconds": 10**30, "anchor": "2026-05-01T00Z"}, "microseconds is "),
        ({"type": "cron", "expression": "x", "tz": "UTC", "day_rule": "any"}, "expression is 'x'"),
        ({"type": "window", "of": 5, "starts_at": None, "ends_at": None}, "type is 'None'"),
    ],
)
def test_a_damaged_spec_is_refused(spec: Any, message: str) -> None:
    with pytest.raises(InvalidTimetable) as refusal:
        from_spec(spec)

    assert str(refusal.value).startswith(message)


def test_a_foreign_timetable_has_no_spec() -> None:
    class Never:
        def next_after(self, instant: datetime) -> datetime | None:
            return None

    with pytest.raises(InvalidTimetable, match="timetable is "):
        to_spec(Never())
