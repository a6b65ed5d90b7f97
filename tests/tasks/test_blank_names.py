"""Names of blanks are no names, and a weekday counts once, over every area's REST API."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.django_db

Ask = Callable[..., Any]
BLANK = " \u00a0 "
TIMES = {"startTime": "2040-01-01T00:00:00Z", "endTime": "2040-01-01T01:00:00Z"}
GAME = {"startTime": "19:30", "startsOn": "2040-01-01", "weekdays": [0, 0, 4, 0]}
SINCE = {"startsAt": "2030-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/people/employees", {"code": "E1", "name": BLANK}, "name"),
        ("/meetings", {**TIMES, "title": BLANK}, "title"),
        ("/memberships", {**SINCE, "member": BLANK, "plan": "monthly"}, "member"),
        ("/memberships", {**SINCE, "member": "Omar", "plan": BLANK}, "plan"),
        ("/games", {**GAME, "title": BLANK}, "title"),
    ],
)
def test_a_name_of_blanks_is_refused_at_its_field(
    ask: Ask, path: str, body: dict[str, Any], field: str
) -> None:
    answer = ask("POST", path, body)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"#/{field}")
    assert "not only blanks" in answer.json()["errors"][0]["detail"]


def test_a_weekday_that_is_named_twice_counts_once(ask: Ask) -> None:
    assert ask("POST", "/games", {**GAME, "title": "Omaha"}).json()["weekdays"] == [0, 4]
