"""Timetables in words; what has no plain wording stays as it was entered."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from schedules.dashboard.words.timetables import in_words
from schedules.timing import At, Cron, Every, Timetable, Window

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("* * * * *", "every minute"),
        ("*/5 * * * *", "every 5 minutes"),
        ("5 * * * *", "every hour at :05"),
        ("0,30 * * * *", "every hour at :00, :30"),
        ("15 */6 * * *", "every 6 hours at :15"),
        ("*/10 9-17 * * *", "every 10 minutes from 09:00 to 17:59"),
        ("30 0 * * *", "every day at 00:30"),
        ("0 8,18 * * *", "every day at 08:00, 18:00"),
        ("0 8 * * 1", "on Monday at 08:00"),
        ("0 8 * * 7", "on Sunday at 08:00"),
        ("0 8 * * mon-fri", "Monday to Friday at 08:00"),
        ("0 2 1 * *", "on day 1 of the month at 02:00"),
        ("0 2 L * *", "on the last day of the month at 02:00"),
        ("0 2 1 1,7 *", "on day 1 of the month at 02:00, in January, July"),
        ("*/5 * * * 6", "every 5 minutes, on Saturday"),
        ("@daily", "every day at 00:00"),
        # No plain words: better the expression than half of it.
        ("0 8 * * 5#2", "0 8 * * 5#2"),
        ("0 8 13 * 5", "0 8 13 * 5"),
        ("1-59/7 3 * * *", "1-59/7 3 * * *"),
        ("0 0 15W * *", "0 0 15W * *"),
    ],
)
def test_cron_expressions(expression: str, words: str) -> None:
    assert in_words(Cron(expression)) == words


@pytest.mark.parametrize(
    ("timetable", "words"),
    [
        (Every(timedelta(minutes=90), anchor=START), "every 1 h 30 min"),
        (Every(timedelta(minutes=1), anchor=START), "every minute"),
        (At(datetime(2026, 3, 29, 14, 30, tzinfo=UTC)), "once, on 29 Mar 2026 14:30 UTC"),
        (
            Window(Cron("@hourly"), starts_at=START, ends_at=START + timedelta(days=9)),
            "every hour at :00, from 1 Mar 2026, until 10 Mar 2026",
        ),
    ],
)
def test_other_timetables(timetable: Timetable, words: str) -> None:
    assert in_words(timetable) == words


def test_in_arabic() -> None:
    with translation.override("ar"):
        assert in_words(Cron("30 0 * * *")) == "كل يوم عند 00:30"
        assert in_words(Cron("0 8 * * 1")) == "أيام الاثنين عند 08:00"
