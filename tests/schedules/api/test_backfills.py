"""A backfill over the API, its effect read in the running rows."""

from datetime import timedelta

import pytest

from schedules.dispatch import feed_backfills
from schedules.models import Backfill, Run, TaskFunction
from schedules.operations.wording import iso
from schedules.querysets.clock import database_now
from schedules.states import WAITING
from schedules.testing import execute_run
from tests.schedules.api.conftest import Api

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def nightly(api: Api, add: TaskFunction) -> str:
    """A job that was made a moment ago."""
    body = {"key": "nightly", "taskFunctionKey": "add", "cronExpression": "0 0 * * *", "args": [1]}
    assert api("POST", "/jobs", body).status_code == 201
    return "/jobs/nightly/backfills"


def test_a_range_is_previewed_run_followed_and_called_off(api: Api, nightly: str) -> None:
    midnight = database_now().replace(hour=0, minute=0, second=0, microsecond=0)
    begin, end = iso(midnight - 9 * DAY), iso(midnight)

    said = api("GET", f"{nightly}/preview?from={begin}&to={end}&order=newest_first").json()
    made = api("POST", nightly, {"from": begin, "to": end, "order": "newest_first"})
    for _ in range(3):
        feed_backfills(now=database_now())
        execute_run(Run.objects.get(job__key="nightly", state__in=WAITING))
    halfway = api("GET", nightly).json()["items"][0]
    called_off = api("POST", f"/backfills/{made.json()['id']}/cancel", {"reason": "enough"})

    assert made.status_code == 201
    assert said["total"] == made.json()["total"] == 10
    ran = Run.objects.filter(job__key="nightly").order_by("pk")
    assert [iso(run.scheduled_at) for run in ran] == [
        each["scheduledAt"] for each in said["items"][:3]
    ]
    assert (halfway["state"], halfway["succeeded"], halfway["waiting"]) == ("open", 3, 7)
    assert called_off.json()["backfill"]["state"] == "cancelled"
    again = api("POST", f"/backfills/{made.json()['id']}/cancel")
    assert (again.status_code, again.json()["detail"][-10:]) == (409, "cancelled.")
    assert api("GET", f"/backfills/{made.json()['id']}").json() == called_off.json()["backfill"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"to": "2999-01-01T00:00:00Z"}, "to is '2999-01-01T00:00:00+00:00': an instant that has"),
        ({"from": "2026-01-01T00:00:00"}, "from: input should have timezone info"),
        ({"atOnce": 5}, "atOnce is '5': 1 to 1, as many as may run of the job (maxInstances)."),
        ({"which": "some"}, "which: input should be 'missed', 'failed' or 'all'"),
        ({"orders": "x"}, "orders: no field has this name"),
    ],
)
def test_bad_input_is_one_sentence_and_changes_nothing(
    api: Api, nightly: str, change: dict[str, object], words: str
) -> None:
    now = database_now()
    body = {"from": iso(now - DAY), "to": iso(now), **change}

    answer = api("POST", nightly, body)

    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(words)
    assert not Backfill.objects.exists()


def test_the_same_key_is_the_same_backfill_and_another_request_under_it_is_refused(
    api: Api, nightly: str
) -> None:
    midnight = database_now().replace(hour=0, minute=0, second=0, microsecond=0)
    asked = {"from": iso(midnight - 3 * DAY), "to": iso(midnight)}
    key = {"Idempotency-Key": "one"}

    first = api("POST", nightly, asked, headers=key)
    again = api("POST", nightly, asked, headers=key)
    other = api("POST", nightly, {**asked, "order": "newest_first"}, headers=key)
    run = api("POST", "/jobs/nightly/action", {"action": "trigger"}, headers=key)

    assert (first.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert Backfill.objects.count() == 1
    for answer in (other, run):
        assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (
            422,
            "Idempotency-Key",
        )
    assert not Run.objects.exists()
