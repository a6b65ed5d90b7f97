"""A word that no enumeration knows is refused by the database, whoever writes it."""

import pytest
from django.apps import apps
from django.db import models
from django.db.models import Q
from django.db.transaction import atomic
from django.db.utils import IntegrityError

from tasks.meetings.models import Meeting
from tests.tasks.meetings.meetings import make_meeting

AREAS = ("attendance", "games", "maintenance", "meetings", "memberships", "people", "reports")
CHOOSING = [
    field
    for area in AREAS
    for model in apps.get_app_config(area).get_models()
    for field in model._meta.concrete_fields
    if isinstance(field, models.CharField) and field.choices
]


@pytest.mark.parametrize("field", CHOOSING, ids=str)
def test_every_column_with_choices_is_held_to_them(field: "models.CharField[str, str]") -> None:
    constraints = [
        constraint.condition
        for constraint in field.model._meta.constraints
        if isinstance(constraint, models.CheckConstraint) and isinstance(constraint.condition, Q)
    ]
    known = {value for value, _ in field.flatchoices}
    held = [
        set(values)
        for condition in constraints
        for name, values in (part for part in condition.children if isinstance(part, tuple))
        if name == f"{field.name}__in"
    ]

    assert any(known <= values <= known | {""} for values in held)


@pytest.mark.django_db
def test_create_bulk_create_and_update_refuse_an_unknown_status() -> None:
    meeting = make_meeting()
    times = {"start_time": meeting.start_time, "end_time": meeting.end_time}
    unknown = Meeting(title="x", status="bogus", **times)

    for write in (
        unknown.save,
        lambda: Meeting.objects.bulk_create([unknown]),
        lambda: Meeting.objects.update(status="bogus"),
    ):
        with pytest.raises(IntegrityError, match="a_meeting_has_a_known_status"), atomic():
            write()

    assert list(Meeting.objects.values_list("status", flat=True)) == ["upcoming"]
