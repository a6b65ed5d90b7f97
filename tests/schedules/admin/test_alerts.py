"""Channels, rules and deliveries in the admin."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from schedules.alerts.calling import signing_secret
from schedules.alerts.channels import create_channel
from schedules.models import AlertChannel, AlertRule, AuditEntry, Delivery
from schedules.querysets.clock import database_now
from tests.schedules.admin.test_pages import address, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def hosts(settings: Any) -> None:
    settings.SCHEDULES = {"alert_hosts": ["hooks.example.com"]}


@pytest.fixture
def channel(db: None) -> AlertChannel:
    made = create_channel(
        name="hook",
        kind="webhook",
        target="https://hooks.example.com/T0/secret",
        by="test",
        source="code",
        now=database_now(),
    )
    AuditEntry.objects.all().delete()
    return made


def test_a_webhook_is_made_and_its_key_shown_once(root: Client) -> None:
    form = {
        "name": "hook",
        "kind": "webhook",
        "target": "https://hooks.example.com/T0/secret",
        "is_enabled": "on",
    }

    answer = root.post(address("alertchannel", "add"), form)

    assert answer.status_code == 302, text_of(answer)
    made = AlertChannel.objects.get()
    assert signing_secret(made) in text_of(root.get(address("alertchannel")))
    later = text_of(root.get(address("alertchannel")))
    later += text_of(root.get(address("alertchannel", "change", made.pk)))
    assert signing_secret(made) not in later
    assert "T0/secret" not in later
    assert [e.action for e in AuditEntry.objects.all()] == ["create"]


def test_saving_the_masked_target_keeps_the_real_one(root: Client, channel: AlertChannel) -> None:
    form = {"name": "renamed", "target": "https://hooks.example.com/…", "is_enabled": "on"}

    answer = root.post(address("alertchannel", "change", channel.pk), form)

    assert answer.status_code == 302, text_of(answer)
    channel.refresh_from_db()
    assert (channel.name, channel.target) == ("renamed", "https://hooks.example.com/T0/secret")


def test_a_target_inside_is_refused_at_its_field(root: Client) -> None:
    form = {"name": "x", "kind": "webhook", "target": "https://127.0.0.1/", "is_enabled": "on"}

    page = text_of(root.post(address("alertchannel", "add"), form))

    assert "a host named in alert_hosts" in page
    assert not AlertChannel.objects.exists()


def test_a_rule_is_made_and_changed(root: Client, channel: AlertChannel) -> None:
    form: dict[str, Any] = {"kind": "failing", "channels": [channel.pk], "is_enabled": "on"}

    answer = root.post(address("alertrule", "add"), form)
    assert answer.status_code == 302, text_of(answer)
    rule = AlertRule.objects.get()
    assert (rule.name, rule.times) == ("Failed several times in a row", 3)
    assert list(rule.channels.all()) == [channel]
    changed = {**form, "name": "Trouble", "times": 5, "gather": "00:10:00"}
    root.post(address("alertrule", "change", rule.pk), changed)

    rule.refresh_from_db()
    assert (rule.name, rule.times, rule.gather.total_seconds()) == ("Trouble", 5, 600)
    assert [e.action for e in AuditEntry.objects.order_by("id")] == ["create", "edit"]


def test_a_rule_that_makes_no_sense_is_refused_at_its_field(
    root: Client, channel: AlertChannel
) -> None:
    form = {"kind": "failed", "channels": [channel.pk], "after": "00:00:10", "is_enabled": "on"}

    page = text_of(root.post(address("alertrule", "add"), form))

    assert "nothing with failed" in page
    assert not AlertRule.objects.exists()


@pytest.mark.parametrize("action", ["mute", "unmute"])
def test_a_rule_is_muted_by_who_may_operate(
    staff: Callable[..., Client], channel: AlertChannel, action: str
) -> None:
    rule = AlertRule.objects.create(
        name="r", kind="failed", created_at=database_now(), muted_at=database_now()
    )
    form = {"action": action, "_selected_action": [rule.pk]}

    staff("view_scheduler").post(address("alertrule"), form)
    assert not AuditEntry.objects.exists()
    staff("operate_scheduler").post(address("alertrule"), form)

    assert [e.action for e in AuditEntry.objects.all()] == [action]


def test_a_test_is_sent_from_the_list(root: Client, channel: AlertChannel) -> None:
    root.post(address("alertchannel"), {"action": "send_test", "_selected_action": [channel.pk]})

    delivery = Delivery.objects.get()
    page = text_of(root.get(address("delivery", "change", delivery.pk)))
    assert "This is a test of hook" in page


def test_deleting_leaves_a_trace(root: Client, channel: AlertChannel) -> None:
    root.post(address("alertchannel", "delete", channel.pk), {"post": "yes"})

    assert not AlertChannel.objects.exists()
    assert [e.action for e in AuditEntry.objects.all()] == ["delete"]


def test_who_may_only_view_changes_nothing(
    staff: Callable[..., Client], channel: AlertChannel
) -> None:
    browser = staff("view_scheduler")

    assert browser.get(address("alertchannel")).status_code == 200
    assert browser.get(address("alertchannel", "add")).status_code == 403
    assert browser.get(address("delivery")).status_code == 403
