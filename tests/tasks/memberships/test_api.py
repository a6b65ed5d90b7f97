"""Memberships over the REST API."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schedules.public import database_now
from tasks.memberships.models import Membership

pytestmark = pytest.mark.django_db

Ask = Callable[..., Any]
NEW = {"member": "Omar Haddad", "plan": "monthly", "startsAt": "2030-01-01T00:00:00Z"}


def test_a_membership_is_made_and_listed(ask: Ask) -> None:
    made = ask("POST", "/memberships", {**NEW, "endsAt": "2030-02-01T00:00:00+07:00"})

    listed = ask("GET", "/memberships?q=haddad&status=active").json()

    assert made.status_code == 201
    assert listed["items"] == [made.json()]
    assert made.json()["endsAt"] == "2030-01-31T17:00:00Z"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"endsAt": "2029-12-31T00:00:00Z"}, "#/endsAt"),
        ({"endsAt": NEW["startsAt"]}, "#/endsAt"),
        ({"email": "nobody"}, "#/email"),
        ({"plan": ""}, "#/plan"),
    ],
)
def test_what_cannot_be_a_membership_is_refused_with_the_field(
    ask: Ask, change: dict[str, Any], pointer: str
) -> None:
    answer = ask("POST", "/memberships", {**NEW, **change})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert not Membership.objects.exists()


def test_an_expired_membership_that_is_prolonged_is_active_again(ask: Ask) -> None:
    now = database_now()
    membership = Membership.objects.create(
        member="Layla",
        plan="yearly",
        starts_at=now - timedelta(days=400),
        ends_at=now - timedelta(days=35),
        status=Membership.Status.EXPIRED,
        expired_at=now,
    )

    renamed = ask("PATCH", f"/memberships/{membership.pk}", {"member": "Layla Saleh"}).json()
    prolonged = ask(
        "PATCH", f"/memberships/{membership.pk}", {"endsAt": "2999-01-01T00:00:00Z"}
    ).json()

    assert (renamed["member"], renamed["status"]) == ("Layla Saleh", "expired")
    assert (prolonged["status"], prolonged["expiredAt"]) == ("active", None)


def test_a_cancelled_membership_stays_cancelled(ask: Ask) -> None:
    starts_at = datetime(2030, 1, 1, tzinfo=UTC)
    membership = Membership.objects.create(member="x", plan="y", starts_at=starts_at)

    first = ask("POST", f"/memberships/{membership.pk}/cancel")
    second = ask("POST", f"/memberships/{membership.pk}/cancel")
    changed = ask("PATCH", f"/memberships/{membership.pk}", {"plan": "yearly"})

    assert first.json() == second.json()
    assert first.json()["status"] == "cancelled"
    assert changed.status_code == 409
