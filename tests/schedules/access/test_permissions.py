"""What each permission opens, and what stays shut."""

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User

from schedules.access import may_manage, may_operate, may_view, may_view_details

QUESTIONS = (may_view, may_view_details, may_operate, may_manage)


@pytest.mark.parametrize(
    ("permission", "opened"),
    [
        (None, set()),
        ("view_scheduler", {may_view}),
        ("view_run_details", {may_view_details}),
        ("operate_scheduler", {may_view, may_operate}),
        ("manage_scheduler", {may_view, may_manage}),
    ],
)
@pytest.mark.django_db
def test_a_permission_opens_what_it_names(permission: str | None, opened: set[object]) -> None:
    user = User.objects.create_user("someone", is_staff=True)
    if permission is not None:
        user.user_permissions.add(Permission.objects.get(codename=permission))

    assert {question for question in QUESTIONS if question(user)} == opened


@pytest.mark.django_db
def test_a_superuser_may_everything_until_made_inactive() -> None:
    user = User.objects.create_superuser("root")
    assert all(question(user) for question in QUESTIONS)

    user.is_active = False
    assert not any(question(user) for question in QUESTIONS)


def test_nobody_may_nothing() -> None:
    assert not any(question(AnonymousUser()) for question in QUESTIONS)
