"""Lets this process's models speak to the database of a system that it has started."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

from project.env import Env


@contextmanager
def connected_to(url: str) -> Iterator[None]:
    """Let the default connection be one to the database `url` for a while."""
    before: dict[str, Any] = connections.settings["default"]
    found = Env({"DATABASE_URL": url}).database("DATABASE_URL", default="")
    names = ("NAME", "HOST", "PORT", "USER", "PASSWORD")
    _use({**before, **{name: found.get(name, "") for name in names}})
    try:
        yield
    finally:
        _use(before)


def _use(values: dict[str, Any]) -> None:
    connections["default"].close()
    del connections["default"]
    connections.settings["default"] = values
