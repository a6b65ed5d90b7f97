"""A client of the API, and what the scheduler knows when it asks."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from project.roles import ensure_roles
from schedules.access import create_token
from schedules.models import TaskFunction
from schedules.operations.install import install_declared, install_functions
from schedules.querysets.clock import database_now
from schedules.registry import declared_as
from tests.schedules import sample_jobs  # noqa: F401 - declares the tasks

BASE = "/api/v1/scheduler"


class Api:
    """Asks in JSON with a token, as a machine does."""

    def __init__(self, token: str = "") -> None:
        self._client = Client(raise_request_exception=False)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def __call__(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> Any:
        address = path if path.startswith("/api") else f"{BASE}{path}"
        return self._client.generic(
            method,
            address,
            b"" if body is None else json.dumps(body),
            content_type="application/json",
            headers={**self._headers, **(headers or {})},
        )


@pytest.fixture
def make_api(db: None) -> Callable[..., Api]:
    """Return a client with the token of a new user in the named group."""

    def make(group: str = "Super Admin", *, name: str = "", scope: str = "") -> Api:
        if not Group.objects.filter(name=group).exists():  # emptied by a test that commits
            ensure_roles()
        user = User.objects.create_user(name or group.replace(" ", "-").lower())
        user.groups.add(Group.objects.get(name=group))
        return Api(create_token(user, now=database_now(), scope=scope).raw)

    return make


@pytest.fixture
def api(make_api: Callable[..., Api]) -> Api:
    """A client who is Super Admin."""
    return make_api()


@pytest.fixture
def add(db: None) -> TaskFunction:
    """The declared task `add`, installed."""
    return install_functions([declared_as("sample_jobs.add")])["sample_jobs.add"]


@pytest.fixture
def declared_jobs(db: None) -> None:
    """All that is declared, installed: `daily` among it."""
    install_declared(now=database_now())
