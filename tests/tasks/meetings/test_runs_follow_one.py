"""Creating, moving, calling off and deleting one meeting keeps exactly the right run."""

import pickle

import pytest
from django.contrib.auth import get_user_model
from django.core import serializers
from django.db import IntegrityError, transaction
from django.db.models import F
from pytest_django import DjangoCaptureOnCommitCallbacks

from tasks.meetings.models import Meeting
from tasks.meetings.status import Status
from tests.tasks.meetings.meetings import HOUR, NOON, make_meeting, scheduled

pytestmark = pytest.mark.django_db


def test_a_new_meeting_has_a_run_at_its_end() -> None:
    meeting = make_meeting()

    assert scheduled() == {meeting.pk: NOON}


@pytest.mark.parametrize("status", [Status.DONE, Status.CANCELLED])
def test_a_meeting_that_begins_its_life_finished_has_none(status: Status) -> None:
    make_meeting(status=status)

    assert scheduled() == {}


def test_moving_the_end_moves_the_run() -> None:
    meeting = make_meeting()

    meeting.end_time = NOON + HOUR
    meeting.save()

    assert scheduled() == {meeting.pk: NOON + HOUR}


def test_saving_an_expression_moves_the_run_too() -> None:
    meeting = make_meeting()

    meeting.end_time = F("end_time") + HOUR
    meeting.save(update_fields=["end_time"])

    assert scheduled() == {meeting.pk: NOON + HOUR}


@pytest.mark.parametrize("status", [Status.DONE, Status.CANCELLED])
def test_a_meeting_that_is_no_longer_upcoming_loses_its_run(status: Status) -> None:
    meeting = make_meeting()

    meeting.status = status
    meeting.save()

    assert scheduled() == {}


def test_a_meeting_that_is_upcoming_again_gets_a_run_again() -> None:
    meeting = make_meeting(status=Status.CANCELLED)

    meeting.status = Status.UPCOMING
    meeting.save(update_fields={"status"})

    assert scheduled() == {meeting.pk: NOON}


def test_a_field_that_was_not_written_does_not_count() -> None:
    meeting = make_meeting()

    meeting.title, meeting.end_time = "Retrospective", NOON + HOUR
    meeting.save(update_fields=["title"])

    assert scheduled() == {meeting.pk: NOON}


def test_deleting_cancels_the_run() -> None:
    make_meeting().delete()

    assert scheduled() == {}


def test_every_short_cut_of_django_keeps_the_run() -> None:
    times = {"start_time": NOON - HOUR, "end_time": NOON}

    first = Meeting.objects.create(title="a", **times)
    second, _ = Meeting.objects.get_or_create(title="b", defaults=times)
    third, _ = Meeting.objects.update_or_create(title="c", defaults=times)
    Meeting.objects.update_or_create(title="a", defaults={"end_time": NOON + HOUR})
    owner = get_user_model().objects.create_user("owner")
    fourth = owner.meetings.create(title="d", **times)
    owner.meetings.update(status=Status.CANCELLED)

    assert fourth.pk not in scheduled()
    assert scheduled() == {first.pk: NOON + HOUR, second.pk: NOON, third.pk: NOON}


def test_deleting_the_owner_leaves_meeting_and_run() -> None:
    owner = get_user_model().objects.create_user("owner")
    meeting = make_meeting(owner=owner)

    owner.delete()

    assert scheduled() == {meeting.pk: NOON}


def test_meeting_and_run_are_rolled_back_together() -> None:
    with transaction.atomic():
        make_meeting()
        transaction.set_rollback(True)

    assert scheduled() == {}


def test_an_end_before_the_start_is_refused_by_the_database() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Meeting.objects.create(title="x", start_time=NOON, end_time=NOON - HOUR)

    assert scheduled() == {}


def test_a_fixture_brings_its_meetings_runs(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    meeting = make_meeting()
    text = serializers.serialize("json", [meeting])
    Meeting.objects.all().delete()

    with django_capture_on_commit_callbacks(execute=True):
        for loaded in serializers.deserialize("json", text):
            loaded.save()

    assert scheduled() == {meeting.pk: NOON}


def test_a_queryset_that_was_kept_and_read_again_keeps_the_runs() -> None:
    meeting = make_meeting()

    kept = pickle.loads(pickle.dumps(Meeting.objects.upcoming()))  # noqa: S301 - ours

    assert list(kept) == [meeting]
    kept.update(status=Status.CANCELLED)
    assert scheduled() == {}
