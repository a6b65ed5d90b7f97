"""Memberships expire at their end, once."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from schedules.testing import execute
from tasks.memberships import jobs
from tasks.memberships.jobs import check_memberships
from tasks.memberships.models import Membership

pytestmark = pytest.mark.django_db

MIDNIGHT = datetime(2030, 6, 1, tzinfo=UTC)
ACTIVE, EXPIRED = Membership.Status.ACTIVE, Membership.Status.EXPIRED
CANCELLED = Membership.Status.CANCELLED


def join(name: str, ends_at: datetime | None, status: Membership.Status = ACTIVE) -> Membership:
    begin = MIDNIGHT - timedelta(days=400)
    return Membership.objects.create(
        member=name, plan="year", starts_at=begin, ends_at=ends_at, status=status
    )


def test_what_is_past_its_end_expires_and_nothing_else() -> None:
    join("over", MIDNIGHT)
    join("in force", MIDNIGHT + timedelta(seconds=1))
    join("endless", None)
    join("cancelled", MIDNIGHT - timedelta(days=3), CANCELLED)

    first = execute(check_memberships, scheduled_at=MIDNIGHT)
    before = list(Membership.objects.values())
    second = execute(check_memberships, scheduled_at=MIDNIGHT)

    assert dict(Membership.objects.values_list("member", "status")) == {
        "over": EXPIRED,
        "in force": ACTIVE,
        "endless": ACTIVE,
        "cancelled": CANCELLED,
    }
    assert first.summary == "1 memberships have expired."
    assert second.summary == "0 memberships have expired."
    assert list(Membership.objects.values()) == before


@pytest.mark.django_db(transaction=True)
def test_many_go_by_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BATCH", 2)
    for number in range(5):
        join(f"member {number}", MIDNIGHT)

    run = execute(check_memberships, scheduled_at=MIDNIGHT)

    assert run.progress == {"done": 5, "total": 5}
    assert Membership.objects.filter(status=EXPIRED, expired_at=MIDNIGHT).count() == 5


def test_an_end_before_the_start_is_refused_in_one_sentence() -> None:
    membership = Membership(
        member="x", plan="year", starts_at=MIDNIGHT, ends_at=MIDNIGHT - timedelta(days=1)
    )

    with pytest.raises(ValidationError) as refusal:
        membership.clean()

    (sentence,) = refusal.value.message_dict["ends_at"]
    assert sentence == (
        "ends_at is '2030-05-31T00:00:00+00:00':"
        " later than starts_at (2030-06-01T00:00:00+00:00), or empty."
    )


def test_it_is_shipped_disabled() -> None:
    from schedules.registry import find

    declaration = find("memberships.check_memberships")
    assert declaration is not None
    assert not declaration.enabled


def test_one_that_is_prolonged_in_the_admin_is_active_again(admin_client: Client) -> None:
    membership = join("over", MIDNIGHT, EXPIRED)
    page = reverse("admin:memberships_membership_change", args=[membership.pk])
    sent = {"member": "over", "plan": "year", "email": "", "user": ""}
    sent |= {"starts_at_0": "2020-01-01", "starts_at_1": "00:00:00"}

    answer = admin_client.post(page, {**sent, "ends_at_0": "2090-01-01", "ends_at_1": "00:00:00"})

    assert answer.status_code == 302, answer.context["errors"]
    membership.refresh_from_db()
    assert (membership.status, membership.expired_at) == (ACTIVE, None)


def test_one_that_is_cancelled_stays_so_in_the_admin(admin_client: Client) -> None:
    membership = join("gone", MIDNIGHT, CANCELLED)
    page = reverse("admin:memberships_membership_change", args=[membership.pk])

    assert admin_client.post(page, {"member": "back", "plan": "year"}).status_code == 403
