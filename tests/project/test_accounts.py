"""Who may do what is changed in the admin with one entry in the record."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from schedules.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def entry() -> Any:
    """Return the one entry, and forget it."""
    [found] = AuditEntry.objects.all()
    found.delete()
    assert (found.actor, found.source) == ("root", "admin")
    return found


def save_user(root: Client, user: User, **fields: Any) -> None:
    page = reverse("admin:auth_user_change", args=[user.pk])
    sent = {"username": user.username, "is_active": "on", **fields}
    sent |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    answer = root.post(page, sent)
    assert answer.status_code == 302, answer.context["adminform"].form.errors


def test_membership_in_a_group_is_recorded_before_and_after(root: Client) -> None:
    group, _ = Group.objects.get_or_create(name="Super Admin")
    user = User.objects.create_user("siti")

    save_user(root, user, groups=[group.pk])
    given = entry()
    save_user(root, user, groups=[group.pk])  # nothing changes
    save_user(root, user)
    taken = entry()

    assert (given.action, given.subject) == ("edit", "user:siti")
    assert (given.before, given.after) == ({"groups": []}, {"groups": ["Super Admin"]})
    assert (taken.before, taken.after) == ({"groups": ["Super Admin"]}, {"groups": []})


def test_the_permissions_of_a_group_and_its_end_are_recorded(root: Client) -> None:
    group = Group.objects.create(name="Night shift")
    right = Permission.objects.get(codename="view_scheduler")
    page = reverse("admin:auth_group_change", args=[group.pk])

    root.post(page, {"name": "Night shift", "permissions": [right.pk]})
    changed = entry()
    root.post(reverse("admin:auth_group_delete", args=[group.pk]), {"post": "yes"})
    deleted = entry()

    assert changed.after == {"permissions": ["schedules.view_scheduler"]}
    assert (deleted.action, deleted.subject) == ("delete", "group:Night shift")
    assert deleted.before["permissions"] == ["schedules.view_scheduler"]


def test_a_new_account_and_its_password_are_recorded_without_it(root: Client) -> None:
    password = "a-long-pass-phrase"
    both = {"password1": password, "password2": password}

    root.post(reverse("admin:auth_user_add"), {"username": "budi", **both})
    made = entry()
    user = User.objects.get(username="budi")
    again = dict.fromkeys(both, f"{password}-2")
    root.post(reverse("admin:auth_user_password_change", args=[user.pk]), again)
    changed = entry()

    assert (made.action, made.after["groups"]) == ("create", [])
    assert (changed.action, changed.subject) == ("set_password", "user:budi")
    assert password not in str((made.after, changed.after, changed.before))
