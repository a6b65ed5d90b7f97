"""For all tests: their markers, and databases for what a test starts."""

import gc
import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from tests.migrated import begin_migrated, lay, template
from tests.places import FOLDERS, is_in_place

DATABASE_FIXTURES = frozenset(
    {"db", "transactional_db", "django_db_serialized_rollback", "live_server"}
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--thorough`, `--broker` and `--celery-docker`."""
    parser.addoption(
        "--thorough",
        action="store_true",
        help="the promises with their full numbers, which takes many minutes",
    )
    parser.addoption(
        "--broker",
        choices=("valkey", "rabbitmq"),
        default="valkey",
        help="on which the systems of tests/stack run; RabbitMQ has to be installed",
    )
    parser.addoption(
        "--celery-docker",
        action="store_true",
        help="tests/stack/test_containers.py in pytest-celery's containers; needs a Docker engine",
    )


def pytest_configure() -> None:
    """Make clearing up after commits, clients, and setting and trying passwords cheap."""
    from django.conf import settings  # known only now

    from tests import flushing, static_files

    flushing.install()
    static_files.install()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pytest_collection_finish() -> None:
    """Let the garbage collector look at what the tests make, and no more at what was imported."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark a test `database` when it, its class or one of its fixtures asks for one.

    In the same way mark it `system` when it uses the running system of tests/stack, and `browser`
    when it opens pages in one.
    """
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & DATABASE_FIXTURES or item.get_closest_marker("django_db"):
            item.add_marker("database")
        if "system" in fixtures:
            item.add_marker("system")
        if "browser" in fixtures:
            item.add_marker("browser")
        path = item.path.relative_to(item.config.rootpath).as_posix()
        for marker in FOLDERS:
            if item.get_closest_marker(marker) and not is_in_place(path, marker):
                folders = " and ".join(FOLDERS[marker])
                raise pytest.UsageError(f"{item.nodeid}: tests marked {marker} are in {folders}.")


@pytest.fixture(autouse=True)
def no_failure_of_before() -> None:
    """Let no broker that an earlier test was refused by keep this one's messages back."""
    from schedules.broker import breaker  # known only now

    breaker.forget()


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb: bool) -> bool:
    """Whether the test database is there already: on SQLite, a copy of what the runner migrated."""
    from django.db import connection

    return begin_migrated(connection.settings_dict) or django_db_keepdb


@pytest.fixture(scope="session")
def make_database(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., str | None]]:
    """Return a function that makes a database and returns its DATABASE_URL: an empty one, in UTF8
    or another `encoding`, or on request one with all migrations, where the runner has made them.

    It is on the server of this pass; on SQLite the function returns None for an empty one, and a
    `Stack` then keeps its own file. The databases are dropped at the end.
    """
    server = os.environ.get("DATABASE_URL", "")
    made: list[str] = []

    def make_file(*, migrated: bool = False, **_: Any) -> str | None:
        path = tmp_path_factory.mktemp("database") / "copied.sqlite3"
        return f"sqlite:///{path}" if migrated and lay(path) else None

    def make(encoding: str = "UTF8", *, migrated: bool = False) -> str:
        made.append(f"stack_{uuid.uuid4().hex[:12]}")
        like = (migrated and template()) or "template0"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {made[-1]} TEMPLATE {like} ENCODING '{encoding}'")
        return f"{server.rpartition('/')[0]}/{made[-1]}"

    if not server.startswith("postgres"):
        yield make_file
        return
    yield make
    with psycopg.connect(server, autocommit=True) as connection:
        for name in made:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
