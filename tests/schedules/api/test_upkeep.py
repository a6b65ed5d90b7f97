"""The books, explanations, findings and repairs over the API: what the command line says."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from schedules.models import Job
from schedules.operations.install import install_declared
from schedules.querysets.clock import database_now
from tests.schedules.api.conftest import Api

pytestmark = pytest.mark.django_db


def said(*words: str) -> Any:
    """What the verb writes as JSON; its exit code does not matter here."""
    out = StringIO()
    with suppress(SystemExit):
        call_command("scheduler", *words, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_an_instant_is_explained_as_by_the_command_line(
    api: Api, make_job: Callable[..., Job]
) -> None:
    make_job("nightly", ledger_from=database_now() - timedelta(days=2))
    at = "2026-03-02T12:00:00Z"

    answer = api("GET", f"/explain?job=nightly&at={at}")

    assert answer.status_code == 200
    assert answer.json() == said("explain", "nightly", "--at", at)
    assert answer.json()["sentences"]


def test_the_books_say_what_is_missing_as_by_the_command_line(
    api: Api, make_job: Callable[..., Job]
) -> None:
    now = database_now()
    make_job("nightly", ledger_from=now - timedelta(days=2))
    span = ("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z")

    answer = api("GET", f"/verify?job=nightly&from={span[0]}&to={span[1]}")

    assert answer.status_code == 200
    said_so = said("verify", "--job", "nightly", "--from", span[0], "--to", span[1])
    assert {**answer.json(), "items": 0} == {**said_so, "items": 0}
    assert answer.json()["from"] == span[0]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("explain?job=nobody&at=2026-03-02T12:00:00Z", "job"),
        ("explain?job=nobody", "at"),
        ("explain?job=nobody&at=2026-03-02", "at"),
        ("verify?job=nobody", "job"),
        ("verify?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", "from"),
        ("verify?from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z", "from"),
    ],
)
def test_what_cannot_be_asked_is_refused_at_its_parameter(
    api: Api, query: str, parameter: str
) -> None:
    answer = api("GET", f"/{query}")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == parameter


def test_what_is_wrong_is_listed_and_what_is_missing_is_put_back(api: Api) -> None:
    found = api("GET", "/doctor").json()
    assert found == said("doctor")
    assert "jobs" in [finding["check"] for finding in found["items"]]

    back = api("POST", "/recover").json()

    assert "daily" in back["created"]
    assert "jobs" not in [finding["check"] for finding in api("GET", "/doctor").json()["items"]]


def test_an_installation_keeps_or_discards_what_operators_changed(api: Api) -> None:
    install_declared(now=database_now())
    api("PATCH", "/jobs/daily", {"priority": 7})

    kept = api("POST", "/install").json()
    discarded = api("POST", "/install", {"replaceExisting": True}).json()

    assert kept["drifted"] == {"daily": ["priority"]}
    assert "daily" in discarded["updated"]
    assert Job.objects.get(key="daily").priority == 0


def test_a_deleted_job_is_explained_and_verified_like_others(
    api: Api, make_job: Callable[..., Job]
) -> None:
    job = make_job("nightly", ledger_from=database_now() - timedelta(days=2))
    assert api("DELETE", f"/jobs/{job.pk}").status_code == 200
    at = f"{database_now() + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"

    explained = api("GET", f"/explain?job=nightly&at={at}")
    verified = api("GET", "/verify?job=nightly").json(), said("verify", "--job", "nightly")

    assert explained.json()["sentences"][-1].endswith("the job was deleted.")
    assert explained.json() == said("explain", "nightly", "--at", at)
    assert [item["jobKey"] for book in verified for item in book["items"]] == ["nightly"] * 2
