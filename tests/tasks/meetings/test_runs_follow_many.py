"""The same for many meetings at once, with a constant number of statements for each batch."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from tasks.meetings.models import Meeting
from tasks.meetings.status import Status
from tests.tasks.meetings.meetings import (
    HOUR,
    NOON,
    make_meeting,
    make_meetings,
    scheduled,
    unsaved,
)
from tests.tasks.statements import statements

pytestmark = pytest.mark.django_db


def ends() -> dict[int, Any]:
    """What the runs should be: the upcoming meetings with their ends."""
    return dict(Meeting.objects.upcoming().values_list("pk", "end_time"))


def test_bulk_create_parks_one_run_for_each_upcoming_meeting() -> None:
    Meeting.objects.bulk_create([unsaved(), unsaved(end=NOON + HOUR), unsaved(status=Status.DONE)])

    assert len(scheduled()) == 2
    assert scheduled() == ends()


def test_bulk_create_keeps_djangos_options() -> None:
    meetings = Meeting.objects.bulk_create([unsaved() for _ in range(5)], batch_size=2)

    assert all(meeting.pk for meeting in meetings)
    assert scheduled() == ends()
    assert Meeting.objects.bulk_create([]) == []


def test_bulk_create_that_ignores_conflicts_goes_by_the_rows_that_are_there() -> None:
    there = make_meeting()

    Meeting.objects.bulk_create(
        [unsaved(pk=there.pk, end=NOON + HOUR), unsaved(pk=there.pk + 10), unsaved()],
        ignore_conflicts=True,
    )

    assert len(scheduled()) == 3
    assert scheduled() == ends()
    assert scheduled()[there.pk] == NOON


def test_bulk_create_that_updates_conflicts_moves_and_cancels() -> None:
    moved, called_off = make_meetings(2)

    Meeting.objects.bulk_create(
        [
            unsaved(pk=moved.pk, end=NOON + 5 * HOUR),
            unsaved(pk=called_off.pk, status=Status.CANCELLED),
            unsaved(end=NOON + 7 * HOUR),
        ],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["end_time", "status"],
    )

    assert set(scheduled().values()) == {NOON + 5 * HOUR, NOON + 7 * HOUR}
    assert scheduled() == ends()


def test_a_batch_that_is_refused_parks_nothing() -> None:
    bad = Meeting(title="x", start_time=NOON, end_time=NOON - HOUR)

    with pytest.raises(IntegrityError), transaction.atomic():
        Meeting.objects.bulk_create([unsaved(), bad])

    assert scheduled() == {}


def test_bulk_update_moves_and_cancels() -> None:
    moved, called_off, untouched = make_meetings(3)
    moved.end_time = NOON + 5 * HOUR
    called_off.status = Status.CANCELLED

    Meeting.objects.bulk_update([moved, called_off], ["end_time", "status"], batch_size=1)

    assert scheduled() == ends()
    assert set(scheduled()) == {moved.pk, untouched.pk}


def test_an_update_moves_the_runs_of_its_rows_only() -> None:
    first, second = make_meetings(2)

    updated = Meeting.objects.filter(pk=first.pk).update(end_time=F("end_time") + HOUR)

    assert updated == 1
    assert scheduled() == {first.pk: NOON + HOUR, second.pk: second.end_time}


def test_rows_that_leave_the_filter_by_the_update_itself_are_not_forgotten() -> None:
    make_meetings(3)

    Meeting.objects.filter(status=Status.UPCOMING, end_time__gte=NOON).update(
        status=Status.CANCELLED
    )

    assert scheduled() == {}


def test_an_update_by_an_annotation_works_as_in_django() -> None:
    make_meetings(2)

    later = Meeting.objects.annotate(moved=F("end_time") + HOUR).filter(moved__gt=NOON + HOUR)
    later.update(end_time=F("moved"))

    assert sorted(scheduled().values()) == [NOON, NOON + HOUR + timedelta(minutes=1)]


def test_an_update_of_a_slice_is_refused_as_in_django() -> None:
    make_meetings(2)

    with pytest.raises(TypeError):
        Meeting.objects.all()[:1].update(status=Status.DONE)


def test_an_update_of_the_title_leaves_the_runs_alone() -> None:
    make_meetings(2)

    assert statements(lambda: Meeting.objects.update(title="x")) == [
        'UPDATE "meetings_meeting" SET'
    ]


def test_deleting_a_queryset_cancels_the_runs_of_its_rows_only() -> None:
    first, second = make_meetings(2)

    deleted, _ = Meeting.objects.filter(pk=first.pk).delete()

    assert deleted == 1
    assert scheduled() == {second.pk: second.end_time}


def test_the_manager_cannot_delete_everything_by_a_slip() -> None:
    assert not hasattr(Meeting.objects, "delete")


def test_bulk_writes_are_rolled_back_with_their_runs() -> None:
    make_meetings(2)
    before = scheduled()

    with transaction.atomic():
        make_meetings(3)
        Meeting.objects.update(end_time=F("end_time") + HOUR)
        Meeting.objects.all().delete()
        transaction.set_rollback(True)

    assert scheduled() == before


def _bulk_update(meetings: list[Meeting]) -> None:
    for meeting in meetings:
        meeting.end_time += HOUR
    Meeting.objects.bulk_update(meetings, ["end_time"])


@pytest.mark.parametrize(
    "work",
    [
        lambda meetings: make_meetings(len(meetings)),
        lambda meetings: Meeting.objects.update(end_time=F("end_time") + HOUR),
        lambda meetings: Meeting.objects.update(status=Status.CANCELLED),
        lambda meetings: Meeting.objects.all().delete(),
        _bulk_update,
    ],
    ids=["bulk_create", "update moves", "update cancels", "delete", "bulk_update"],
)
def test_a_batch_costs_the_same_number_of_statements_whatever_its_size(
    work: Callable[[list[Meeting]], Any],
) -> None:
    few = statements(lambda: work(make_meetings(10)) and None)
    Meeting.objects.all().delete()
    many = statements(lambda: work(make_meetings(100)) and None)

    assert few == many
    assert len(many) < 25
