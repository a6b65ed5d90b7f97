"""The groups that a migration makes."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from project.roles import EMPLOYEE, HR_ADMIN, PERMISSIONS, SUPER_ADMIN, ensure_roles
from schedules.access import may_manage, may_operate, may_view, may_view_details
from schedules.models import Token

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        (SUPER_ADMIN, (True, True, True, True)),
        (HR_ADMIN, (True, True, False, False)),
        (EMPLOYEE, (False, False, False, False)),
    ],
)
def test_a_group_may_what_its_role_may(name: str, allowed: tuple[bool, ...]) -> None:
    ensure_roles()
    user = User.objects.create_user("siti")
    user.groups.add(Group.objects.get(name=name))

    asked = (may_view, may_view_details, may_operate, may_manage)

    assert tuple(may(user) for may in asked) == allowed


def test_making_the_roles_again_changes_nothing() -> None:
    ensure_roles()
    before = Group.objects.count(), Permission.objects.count()

    ensure_roles()

    assert (Group.objects.count(), Permission.objects.count()) == before


def test_the_permissions_have_the_names_of_their_model() -> None:
    assert dict(Token._meta.permissions) == PERMISSIONS


def test_an_unknown_address_under_api_is_a_problem() -> None:
    answer = Client().get("/api/v3/nothing")

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
