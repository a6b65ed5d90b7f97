"""A client of the areas' REST API."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from schedules.access import create_token
from schedules.querysets.clock import database_now
from tests.schedules.api.conftest import Api


@pytest.fixture
def ask(admin_user: User) -> Callable[..., Any]:
    """Ask with the token of a superuser; addresses begin after `/api/v1`."""
    client = Api(create_token(admin_user, now=database_now()).raw)

    def ask(method: str, path: str, body: Any = None) -> Any:
        return client(method, f"/api/v1{path}", body)

    return ask
