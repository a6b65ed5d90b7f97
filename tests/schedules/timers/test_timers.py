"""A timer over anybody's model: whatever way a row is written, its run follows."""

from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models
from django.db.models import F, Q
from django.db.models.deletion import Collector

from schedules.models import Run
from schedules.public import Timer, job
from schedules.testing import execute_run
from tests.sql import run_sql
from tests.tasks.statements import statements

pytestmark = pytest.mark.django_db

NOON = datetime(2040, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Parcel(models.Model):
    """A plain model, as people have it, with a key that is no number."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    collect_by = models.DateTimeField(null=True)
    place = models.CharField(max_length=10, default="shelf")

    objects: "ClassVar[models.Manager[Parcel]]" = models.Manager()

    class Meta:
        app_label = "parcels"

    def __str__(self) -> str:
        return str(self.pk)


class ShelfView(Parcel):
    """The same rows under another name."""

    class Meta:
        app_label = "parcels"
        proxy = True


@job()
def send_back(parcel_id: UUID) -> str:
    """Send a parcel back."""
    Parcel.objects.filter(pk=parcel_id).update(place="sent")
    return str(parcel_id)


RETURNS = Timer(Parcel, at="collect_by", while_=Q(place="shelf"), run=send_back)


@pytest.fixture(autouse=True)
def table() -> None:
    kind = "uuid" if connection.vendor == "postgresql" else "char(32)"
    instant = "timestamptz" if connection.vendor == "postgresql" else "datetime"
    run_sql(
        f"CREATE TABLE parcels_parcel (id {kind} PRIMARY KEY, collect_by {instant},"
        f" place varchar(10))"
    )


def due() -> dict[UUID, datetime]:
    runs = Run.objects.waiting()
    return {
        UUID(str(key).partition(":")[2]): at
        for key, at in runs.values_list("natural_key", "due_at")
    }


def test_a_saved_moved_and_deleted_row_takes_its_run_along() -> None:
    parcel = Parcel.objects.create(collect_by=NOON)
    assert due() == {parcel.pk: NOON}

    parcel.collect_by = NOON + HOUR
    parcel.save(update_fields=["collect_by"])
    assert due() == {parcel.pk: NOON + HOUR}

    parcel.delete()
    assert due() == {}


def test_rows_without_an_instant_or_outside_the_condition_have_no_run() -> None:
    Parcel.objects.bulk_create([Parcel(), Parcel(collect_by=NOON, place="sent")])

    assert due() == {}


def test_many_at_once_follow_with_as_few_statements_for_a_thousand_as_for_ten() -> None:
    def work(number: int) -> None:
        Parcel.objects.bulk_create([Parcel(collect_by=NOON) for _ in range(number)])
        Parcel.objects.update(collect_by=F("collect_by") + HOUR)
        assert set(due().values()) == {NOON + HOUR}
        assert len(due()) == number
        Parcel.objects.all().delete()
        assert due() == {}

    assert statements(lambda: work(10)) == statements(lambda: work(300))


def test_another_name_of_the_model_is_no_way_around() -> None:
    viewed = ShelfView.objects.create(collect_by=NOON)
    assert due() == {viewed.pk: NOON}

    ShelfView.objects.filter(pk=viewed.pk).update(place="sent")
    assert due() == {}


def test_rows_that_a_cascade_deletes_take_their_runs_along() -> None:
    parcels = [Parcel.objects.create(collect_by=NOON) for _ in range(2)]

    cascade = Collector(using="default")
    cascade.collect(parcels)
    cascade.delete()

    assert due() == {}


def test_the_run_gets_the_key_of_its_row() -> None:
    parcel = Parcel.objects.create(collect_by=datetime(2020, 1, 1, tzinfo=UTC))

    run = execute_run(Run.objects.get())

    assert run.state == "succeeded"
    parcel.refresh_from_db()
    assert parcel.place == "sent"


def test_what_raw_sql_did_is_found_and_put_right_in_numbers() -> None:
    kept, moved, lost, gone, off = (Parcel.objects.create(collect_by=NOON) for _ in range(5))
    later = "2040-06-01 13:00:00" + ("Z" if connection.vendor == "postgresql" else "")
    run_sql("UPDATE parcels_parcel SET collect_by = %s WHERE id = %s", later, _raw(moved))
    run_sql("DELETE FROM schedules_run WHERE natural_key = %s", RETURNS.key(lost.pk))
    run_sql("DELETE FROM parcels_parcel WHERE id = %s", _raw(gone))
    run_sql("UPDATE parcels_parcel SET place = 'sent' WHERE id = %s", _raw(off))

    found = RETURNS.reconcile()

    assert (found.total, found.scheduled, found.already, found.errors) == (3, 2, 1, [])
    assert found.success
    assert found.surplus == 2
    assert due() == {kept.pk: NOON, moved.pk: NOON + HOUR, lost.pk: NOON}
    again = RETURNS.reconcile()
    assert (again.scheduled, again.already, again.surplus) == (0, 3, 0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"at": "place"}, "at='place' is not a DateTimeField"),
        ({"at": "collectby"}, "has no field 'collectby' that a timer could follow; it has"),
        ({"at": "collect_by", "while_": Q(colour="red")}, "has no field 'colour'"),
        ({"at": "collect_by"}, "is declared twice: give each timer of a model a task of its own"),
    ],
)
def test_a_timer_that_cannot_be_is_refused_at_once(options: dict[str, object], words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=words.replace("(", r"\(")):
        Timer(Parcel, run=send_back, **options)  # type: ignore[arg-type]


def _raw(parcel: Parcel) -> str:
    return str(parcel.pk) if connection.vendor == "postgresql" else parcel.pk.hex
