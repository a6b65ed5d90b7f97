"""Meetings in the admin: its form, its deletions and its actions keep the runs."""

import pytest
from django.test import Client
from django.urls import reverse

from tasks.meetings.models import Meeting
from tasks.meetings.status import Status
from tests.tasks.meetings.meetings import NOON, make_meeting, make_meetings, scheduled

pytestmark = pytest.mark.django_db

LIST = "admin:meetings_meeting_changelist"


def form(**fields: str) -> dict[str, str]:
    return {
        "title": "Stand-up",
        "start_time_0": "2040-06-01",
        "start_time_1": "11:00:00",
        "end_time_0": "2040-06-01",
        "end_time_1": "12:00:00",
        "status": "upcoming",
        **fields,
    }


def test_a_meeting_entered_in_the_form_has_its_run(admin_client: Client) -> None:
    admin_client.post(reverse("admin:meetings_meeting_add"), form())

    assert scheduled() == {Meeting.objects.get().pk: NOON}


def test_an_end_before_the_start_is_refused_in_one_sentence(admin_client: Client) -> None:
    answer = admin_client.post(reverse("admin:meetings_meeting_add"), form(end_time_1="10:00:00"))

    found, start = "2040-06-01T10:00:00+00:00", "2040-06-01T11:00:00+00:00"
    refusal = f"end_time is {found!r}: later than start_time ({start})."
    assert answer.context["adminform"].form.errors == {"end_time": [refusal]}
    assert not Meeting.objects.exists()


def test_moving_and_deleting_in_the_form_moves_and_cancels(admin_client: Client) -> None:
    meeting = make_meeting()

    admin_client.post(
        reverse("admin:meetings_meeting_change", args=[meeting.pk]), form(end_time_1="11:30:00")
    )
    moved = scheduled()
    admin_client.post(reverse("admin:meetings_meeting_delete", args=[meeting.pk]), {"post": "yes"})

    assert moved == {meeting.pk: NOON.replace(hour=11, minute=30)}
    assert scheduled() == {}


@pytest.mark.parametrize(
    ("action", "left"), [("delete_selected", []), ("call_off", [Status.CANCELLED] * 2)]
)
def test_actions_on_many_keep_the_runs(
    admin_client: Client, action: str, left: list[Status]
) -> None:
    first, second, third = make_meetings(3)
    chosen = {"action": action, "_selected_action": [first.pk, second.pk], "post": "yes"}

    admin_client.post(reverse(LIST), chosen)

    assert scheduled() == {third.pk: third.end_time}
    others = Meeting.objects.exclude(pk=third.pk)
    assert list(others.values_list("status", flat=True)) == left
