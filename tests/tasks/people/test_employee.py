"""Employees: their day, and what their form refuses."""

from datetime import UTC, date, datetime

import pytest
from django.core.exceptions import ValidationError

from tasks.people.models import Employee


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Asia/Jakarta", date(2030, 5, 2)),
        ("UTC", date(2030, 5, 1)),
        ("America/New_York", date(2030, 5, 1)),
        ("Asia/Jayapura", date(2030, 5, 2)),
    ],
)
def test_the_day_is_that_of_the_employees_own_zone(zone: str, day: date) -> None:
    employee = Employee(code="T1", name="Budi", timezone=zone)

    assert employee.local_day(datetime(2030, 5, 1, 17, 30, tzinfo=UTC)) == day


@pytest.mark.parametrize("zone", ["Mars/Phobos", "../etc/passwd", "Asia", "Asia/Jakarta "])
def test_a_zone_that_does_not_exist_is_refused_in_one_sentence(zone: str) -> None:
    employee = Employee(code="T1", name="Budi", timezone=zone)

    with pytest.raises(ValidationError) as refusal:
        employee.clean_fields()

    (sentence,) = refusal.value.message_dict["timezone"]
    assert sentence == f"timezone is {zone!r}: an IANA time zone, for example Asia/Jakarta."
