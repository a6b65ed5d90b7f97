"""A database without room for every text is refused before anything is written to it."""

from collections.abc import Callable, Iterator

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from pytest_django import DjangoDbBlocker

from project.devstack import prepare
from project.devstack.client import connected_to
from schedules.operations.doctor import wrong_encoding

# The passes on PostgreSQL have a server; one of them is enough.
pytestmark = pytest.mark.once


@pytest.fixture(scope="module", params=["LATIN1", "SQL_ASCII"])
def encoding(
    request: pytest.FixtureRequest,
    make_database: Callable[..., str | None],
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[str]:
    url = make_database(request.param)
    if url is None:
        pytest.skip("SQLite keeps any text")
    with django_db_blocker.unblock(), connected_to(url):
        yield request.param


def test_migrate_makes_no_tables_in_it(encoding: str) -> None:
    with pytest.raises(SystemCheckError, match=f"E008.* is encoded in {encoding}, .* need UTF8"):
        call_command("migrate", skip_checks=False)

    assert connection.introspection.table_names() == []


def test_a_start_says_it_in_one_line(encoding: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare.prepare_checked(demo=False) == 1

    [line] = capsys.readouterr().err.splitlines()
    assert f" is encoded in {encoding}, " in line
    assert line.endswith("CREATE DATABASE name TEMPLATE template0 ENCODING 'UTF8'.")


def test_the_doctor_names_it(encoding: str) -> None:
    [finding] = wrong_encoding()

    assert f" is encoded in {encoding}, " in finding.found
