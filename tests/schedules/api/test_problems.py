"""Whatever is refused is refused as a problem, and never with a stack trace."""

import re
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from schedules.api import scheduler
from schedules.models import Job, TaskFunction
from tests.schedules.api.conftest import Api

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing/here", 404),
        ("GET", "/api/v1", 404),
        ("GET", "/api/v1/", 404),
        ("GET", "/api/v2/jobs", 404),
        ("GET", "/api/", 404),
        ("GET", "/runs/not-a-uuid", 404),
        ("GET", "/runs/00000000-0000-0000-0000-000000000001", 404),
        ("GET", "/jobs/%00", 404),
        ("GET", "/jobs/99999999999999999999999", 404),
        ("GET", "/jobs/a%2Fb", 404),
        ("PATCH", "/jobs", 405),
        ("DELETE", "/status", 405),
        ("POST", "/api/v1/openapi.json", 405),
        ("TRACE", "/jobs", 405),
    ],
)
def test_what_does_not_exist_is_a_problem(api: Api, method: str, path: str, status: int) -> None:
    answer = api(method, path)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json().keys() >= {"type", "title", "status", "detail"}
    assert ("Allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize("path", ["/jobs", "/jobs/nobody", "/jobs?nothing=1", "/status/"])
def test_head_is_answered_as_get_is_without_the_body(api: Api, path: str) -> None:
    head, get = api("HEAD", path), api("GET", path)

    assert head.status_code == get.status_code
    assert head.headers == get.headers
    assert head.content == b""


def test_a_wrong_method_is_told_of_head_where_there_is_get(api: Api) -> None:
    assert api("PATCH", "/jobs").headers["Allow"] == "GET, HEAD, POST"
    assert api("HEAD", "/recover").headers["Allow"] == "POST"
    assert api("PUT", "/recover").json()["detail"] == "PUT is not possible here; POST is."


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b'{"priority": NaN}', "application/json", 400),
        (b"[]", "application/json", 422),
        (b"null", "application/json", 422),
        (b'{"nameEn": "a\\u0000b"}', "application/json", 422),
        (b'{"nameEn": "\\ud800"}', "application/json", 422),
        (b'{"kwargs": ' + b'{"a":' * 25 + b"1" + b"}" * 25 + b"}", "application/json", 422),
        (b'{"kwargs": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", "application/json", 422),
        (b'{"nameEn": "' + b"x" * 65_536 + b'"}', "application/json", 413),
        (b"priority=1", "application/x-www-form-urlencoded", 415),
        (b"<job/>", "application/xml", 415),
        (b'{"priority": 99999999999999999999999999}', "application/json", 422),
    ],
)
def test_a_body_that_cannot_be_taken_is_a_problem(
    api: Api, add: TaskFunction, content: bytes, content_type: str, status: int
) -> None:
    before = Job.objects.count()

    answer = api._client.generic(
        "POST", "/api/v1/scheduler/jobs", content, content_type, headers=api._headers
    )

    assert (answer.status_code, answer.headers["Content-Type"]) == (
        status,
        "application/problem+json",
    )
    assert Job.objects.count() == before


@pytest.mark.parametrize(
    ("method", "path", "name", "accepted"),
    [
        ("GET", "/jobs?perpage=3", "perpage", "page, per_page, is_enabled, job_type_id may be"),
        ("GET", "/jobs/?page=1&isEnabled=true", "isEnabled", "page, per_page, is_enabled,"),
        ("GET", "/status?x", "x", "this address takes none"),
        ("POST", "/cleanup?retentionDays=1", "retentionDays", "this address takes none"),
        ("GET", "/api/v1/scheduled-jobs/?per_page=1", "per_page", "page, limit may be"),
        ("GET", "/api/v1/meetings?state=done", "state", "page, per_page, status may be"),
    ],
)
def test_a_parameter_that_nobody_knows_is_refused_with_those_that_are_known(
    api: Api, method: str, path: str, name: str, accepted: str
) -> None:
    answer = api(method, path)

    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, name)
    assert answer.json()["detail"].startswith(f"{name!r} is no parameter here: {accepted}")
    assert Api()(method, path).status_code == 401  # who may not ask hears that first


@pytest.mark.parametrize(("error", "status"), [(ZeroDivisionError, 500), (OperationalError, 503)])
def test_what_fails_here_says_nothing_of_how(
    api: Api, error: Any, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: Any) -> None:
        raise error("secret detail")

    monkeypatch.setattr(scheduler, "scheduler_status", fail)

    answer = api("GET", "/status")

    assert answer.status_code == status
    assert b"secret" not in answer.content
    assert b"Traceback" not in answer.content


def test_the_document_and_its_page_are_served_without_scripts() -> None:
    document = Client().get("/api/v1/openapi.json").json()
    page = Client().get("/api/v1/docs")

    assert document["openapi"] == "3.1.0"
    assert page.status_code == 200
    text = page.content.decode()
    assert 'id="createJob"' in text
    anchors = set(re.findall(r'href="#([^"]+)"', text))
    assert anchors
    assert anchors <= set(re.findall(r'id="([^"]+)"', text))
    assert b"<script" not in page.content
    assert "script-src" not in page.headers["Content-Security-Policy"]


def test_no_answer_is_kept_by_a_cache(api: Api) -> None:
    assert "no-store" in api("GET", "/status").headers["Cache-Control"]


def test_a_refusal_names_fields_as_json_has_them(api: Api, add: TaskFunction) -> None:
    body = {"taskFunctionKey": "add", "cronExpression": "* * * * *", "intervalMinutes": 1}

    two_kinds = api("POST", "/jobs", body).json()["detail"]

    assert "(intervalSeconds ... intervalWeeks)" in two_kinds
    assert "a cronExpression, a solarEvent" in two_kinds
