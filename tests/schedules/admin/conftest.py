"""People with and without permissions."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from schedules.models import Instance
from schedules.querysets.clock import database_now
from schedules.states import InstanceKind, InstanceStatus


@pytest.fixture
def staff() -> Callable[..., Client]:
    """Log in a member of staff who holds the named permissions of the package."""

    def log_in(*permissions: str) -> Client:
        user = User.objects.create_user(f"staff-{'-'.join(permissions)}", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = Client()
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def root(db: None) -> Client:
    """A superuser's browser."""
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def beat(db: None) -> Instance:
    now = database_now()
    return Instance.objects.create(
        kind=InstanceKind.BEAT,
        name="beat@one",
        host="one",
        pid=17,
        status=InstanceStatus.RUNNING,
        started_at=now,
        heartbeat_at=now,
    )
