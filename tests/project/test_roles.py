"""The groups that a migration makes."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from project.roles import all_permissions, ensure_roles
from schedules.access import (
    EMPLOYEE,
    HR_ADMIN,
    SUPER_ADMIN,
    may_manage,
    may_operate,
    may_view,
    may_view_details,
)

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


def test_the_permissions_are_those_that_django_makes() -> None:
    made = Permission.objects.filter(content_type__app_label__in={"people", "games", "meetings"})
    expected = {each.codename: each.name for each in all_permissions()}

    assert made.exists()
    assert {each.codename: each.name for each in made}.items() <= expected.items()


@pytest.mark.parametrize(
    ("name", "may", "may_not"),
    [
        (SUPER_ADMIN, ["games.delete_game", "people.add_employee"], []),
        (
            HR_ADMIN,
            ["people.change_employee", "attendance.change_leaverequest", "attendance.add_punchlog"],
            ["games.view_game", "memberships.view_membership", "meetings.view_meeting"],
        ),
        (
            EMPLOYEE,
            ["attendance.clock_oneself", "meetings.hold_meetings"],
            ["attendance.view_attendance", "people.view_employee", "attendance.add_punchlog"],
        ),
    ],
)
def test_a_group_may_in_the_areas_what_its_role_may(
    name: str, may: list[str], may_not: list[str]
) -> None:
    ensure_roles()
    user = User.objects.create_user("siti")
    user.groups.add(Group.objects.get(name=name))

    assert [label for label in may if not user.has_perm(label)] == []
    assert [label for label in may_not if user.has_perm(label)] == []


def test_an_unknown_address_under_api_is_a_problem() -> None:
    answer = Client().get("/api/v3/nothing")

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
