"""A request under a foreign host name, and one that a browser makes by itself."""

import pytest
from django.test import Client


@pytest.mark.parametrize("path", ["/api/v1/scheduler/jobs", "/api/v1/openapi.json", "/api"])
@pytest.mark.parametrize("debug", [True, False])
def test_the_api_refuses_a_foreign_host_with_a_problem(
    settings: pytest.FixtureRequest, path: str, debug: bool
) -> None:
    settings.DEBUG, settings.ALLOWED_HOSTS = debug, ["jobs.example"]  # type: ignore[attr-defined]
    client = Client(raise_request_exception=False)

    answer = client.get(path, headers={"Host": "evil.example"})

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == ("The Host is 'evil.example': a name that ALLOWED_HOSTS has.")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_browser_finds_the_icon_where_it_looks_for_one_by_itself() -> None:
    answer = Client().get("/favicon.ico")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/static/schedules/icon.svg")
