"""Calendars over the API: bodies as large as a calendar and a file of dates can be."""

from datetime import date, timedelta

import pytest

from schedules.timing import MOST_DATES
from tests.schedules.api.conftest import Api

pytestmark = pytest.mark.django_db

EVENT = "BEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20260301\r\nSUMMARY:x\r\nEND:VEVENT\r\n"


def test_a_calendar_takes_a_file_of_more_than_64_kb(api: Api) -> None:
    text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{EVENT * 1000}END:VCALENDAR\r\n"
    assert api("POST", "/calendars", {"name": "long"}).status_code == 201

    imported = api("POST", "/calendars/long/import", {"ics": text})

    assert (imported.status_code, imported.json()["dates"]) == (200, ["2026-03-01"])


def test_dates_of_a_calendar_are_bounded_by_their_number_and_not_by_the_body(api: Api) -> None:
    days = [str(date(2026, 1, 1) + timedelta(days=number)) for number in range(3 * MOST_DATES)]
    assert api("POST", "/calendars", {"name": "long"}).status_code == 201

    for method, path, body in (
        ("POST", "/calendars", {"name": "other"}),
        ("PATCH", "/calendars/long", {}),
    ):
        answer = api(method, path, {**body, "dates": days})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/dates")

    assert api("POST", "/jobs", {"key": "x" * 70_000}).status_code == 413
