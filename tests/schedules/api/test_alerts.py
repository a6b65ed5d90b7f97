"""Alerts over the API: what is shown once, what never, and what is refused."""

from collections.abc import Callable
from typing import Any, get_args

import pytest

from schedules.alerts.calling import signing_secret
from schedules.alerts.rules import KINDS
from schedules.api import alert_schemas
from schedules.models import AlertChannel, AlertRule, Delivery, Job
from schedules.states import AlertKind, ChannelKind, DeliveryState
from tests.schedules.api.conftest import Api

pytestmark = pytest.mark.django_db

HOOK = {"name": "hook", "kind": "webhook", "target": "https://hooks.example.com/T0/secret"}


@pytest.fixture(autouse=True)
def hosts(settings: Any) -> None:
    settings.SCHEDULES = {"alert_hosts": ["hooks.example.com"]}


def test_the_words_of_the_schemas_are_those_of_the_rows() -> None:
    assert get_args(alert_schemas.Kind) == tuple(map(str, KINDS))
    assert get_args(alert_schemas.KindOrTest) == tuple(AlertKind.values)
    assert get_args(alert_schemas.Way) == tuple(ChannelKind.values)
    assert get_args(alert_schemas.State) == tuple(DeliveryState.values)


def test_a_key_is_shown_when_the_channel_is_made_and_never_again(api: Api) -> None:
    made = api("POST", "/alerts/channels", HOOK)

    assert made.status_code == 201
    assert made.json()["signingSecret"] == signing_secret(AlertChannel.objects.get())
    listed = api("GET", "/alerts/channels")
    assert listed.json()["items"][0]["target"] == "https://hooks.example.com/…"
    assert b"secret" not in listed.content
    renewed = api("POST", f"/alerts/channels/{made.json()['id']}/key")
    assert renewed.json()["signingSecret"] != made.json()["signingSecret"]


def test_a_target_inside_is_refused_with_its_pointer(api: Api) -> None:
    answer = api("POST", "/alerts/channels", {**HOOK, "target": "http://169.254.169.254/"})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/target"
    assert not AlertChannel.objects.exists()


def test_a_rule_is_made_changed_muted_and_deleted(api: Api, make_job: Callable[..., Job]) -> None:
    make_job("nightly")
    api("POST", "/alerts/channels", HOOK)

    made = api(
        "POST",
        "/alerts/rules",
        {"kind": "late", "job": "nightly", "channels": ["hook"], "afterSeconds": 300},
    ).json()
    changed = api("PATCH", f"/alerts/rules/{made['id']}", {"job": None, "gatherSeconds": 0}).json()
    muted = api("POST", f"/alerts/rules/{made['id']}/mute", {"reason": "deploy"}).json()

    assert (made["name"], made["jobKey"], made["afterSeconds"]) == ("nightly: late", "nightly", 300)
    assert (changed["jobKey"], changed["gatherSeconds"], changed["afterSeconds"]) == (None, 0, 300)
    assert (muted["isMuted"], muted["muteReason"]) == (True, "deploy")
    assert api("DELETE", f"/alerts/rules/{made['id']}").status_code == 200
    assert not AlertRule.objects.exists()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "late", "channels": ["nobody"]}, "#/channels"),
        ({"kind": "late", "channels": ["hook"], "job": "nobody"}, "#/job"),
        ({"kind": "late", "channels": ["hook"], "afterSeconds": 5}, "#/afterSeconds"),
        ({"kind": "test", "channels": ["hook"]}, "#/kind"),
        ({"kind": "late", "channels": []}, "#/channels"),
        ({"kind": "late", "channels": ["hook"], "colour": "red"}, "#/colour"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_pointer(
    api: Api, body: dict[str, Any], pointer: str
) -> None:
    api("POST", "/alerts/channels", HOOK)

    answer = api("POST", "/alerts/rules", body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert not AlertRule.objects.exists()


def test_a_test_says_where_to_look_for_it(api: Api) -> None:
    number = api("POST", "/alerts/channels", HOOK).json()["id"]

    sent = api("POST", f"/alerts/channels/{number}/test")

    assert sent.status_code == 202
    listed = api("GET", "/alerts/deliveries").json()
    assert listed["items"] == [sent.json()]
    assert Delivery.objects.get().kind == AlertKind.TEST
