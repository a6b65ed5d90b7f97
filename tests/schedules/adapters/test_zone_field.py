"""The zones of a crontab are those of the library, and are made when somebody asks."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import models
from django_celery_beat.models import CrontabSchedule
from timezone_field.fields import TimeZoneField

from schedules.adapters.zone_field import LateTimeZoneField

OF_THE_LIBRARY = TimeZoneField()


def test_a_crontabs_field_makes_the_list_late_and_offers_what_the_library_offers() -> None:
    field = CrontabSchedule._meta.get_field("timezone")

    assert isinstance(field, LateTimeZoneField)
    assert list(field.choices) == list(OF_THE_LIBRARY.choices)
    assert len(list(field.choices)) > 400
    form_field: Any = field.formfield()
    assert {label for _, label in form_field.choices} >= {"Asia/Jakarta", "America/New York", "UTC"}
    assert form_field.clean("Asia/Jakarta") == ZoneInfo("Asia/Jakarta")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "asia jakarta"])
def test_a_zone_that_does_not_exist_is_refused(zone: str) -> None:
    field: Any = CrontabSchedule._meta.get_field("timezone")

    with pytest.raises(ValidationError):
        field.clean(zone, None)
    with pytest.raises(ValidationError):
        field.formfield().clean(zone)
    assert field.clean("Asia/Jakarta", None) == ZoneInfo("Asia/Jakarta")


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"default": "UTC", "blank": True},
        {"use_pytz": False, "max_length": 99},
        {"choices": [("Asia/Jakarta", "WIB"), ("UTC", "UTC")]},
        {"choices_display": "WITH_GMT_OFFSET"},
    ],
)
def test_migrations_cannot_tell_it_from_the_librarys(parameters: dict[str, Any]) -> None:
    late, known = LateTimeZoneField(**parameters), TimeZoneField(**parameters)

    assert late.deconstruct() == known.deconstruct()
    assert late.clone().deconstruct() == known.deconstruct()
    assert list(late.choices) == list(known.choices)


def test_it_takes_no_more_by_position_than_the_librarys() -> None:
    with pytest.raises(ValueError, match="max_length"):
        LateTimeZoneField("name", "name", False, 9)
    assert isinstance(LateTimeZoneField("a name"), models.Field)
