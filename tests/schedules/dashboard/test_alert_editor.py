"""Rules, channels and dependencies are made, changed and ended where one sees them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from schedules.models import AlertChannel, AlertRule, AuditEntry, Job
from schedules.operations.dependencies import add_dependency, dependencies_of
from schedules.states import After

Make = Callable[..., Any]
pytestmark = pytest.mark.django_db

NEW_RULE = "/scheduler/alerts/rules/new"


@pytest.fixture
def channel(now: datetime) -> AlertChannel:
    return AlertChannel.objects.create(
        name="operators", kind="email", target="ops@example.com", created_at=now
    )


def test_a_rule_is_made_from_the_page_of_its_job(
    operator: Client, job: Job, channel: AlertChannel
) -> None:
    form = operator.get(f"{NEW_RULE}?job={job.pk}").content.decode()
    sent = {"kind": "failing", "job": job.key, "times": "2", "channels": channel.pk}
    made = operator.post(f"{NEW_RULE}?job={job.pk}", {**sent, "is_enabled": "on"})

    assert f'value="{job.key}"' in form
    assert made.headers["Location"] == f"/scheduler/jobs/{job.pk}/?tab=alerts"
    rule = AlertRule.objects.get()
    assert (rule.job, rule.times, rule.gather) == (job, 2, timedelta(minutes=1))
    assert list(rule.channels.all()) == [channel]
    assert AuditEntry.objects.filter(action="create", source="dashboard").count() == 1
    page = operator.get(made.headers["Location"]).content.decode()
    assert "failed 2 times in a row" in page
    assert "operators" in page


def test_what_does_not_belong_to_the_kind_is_left_out(
    operator: Client, job: Job, channel: AlertChannel
) -> None:
    sent = {"kind": "beat_silent", "job": job.key, "times": "7", "after": "90"}
    operator.post(NEW_RULE, {**sent, "channels": channel.pk, "is_enabled": "on"})

    rule = AlertRule.objects.get()
    assert (rule.job, rule.times, rule.after) == (None, 1, timedelta(seconds=90))


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"job": "nobody"}, "job"),
        ({"channels": ""}, "channels"),
        ({"channels": "999"}, "channels"),
        ({"kind": "late", "after": "2"}, "after"),
        ({"kind": "test"}, "kind"),
        ({"kind": "failing", "times": "1000"}, "times"),
        ({"name": "two\x07lines"}, "name"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_at_its_field(
    operator: Client, channel: AlertChannel, changed: dict[str, str], field: str
) -> None:
    sent = {"kind": "failed", "job": "", "channels": str(channel.pk), "is_enabled": "on"}

    response = operator.post(NEW_RULE, {**sent, **changed})

    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert not AlertRule.objects.exists()


def test_a_rule_is_changed_and_deleted_and_its_kind_stays(
    operator: Client, job: Job, channel: AlertChannel
) -> None:
    operator.post(NEW_RULE, {"kind": "slow", "channels": channel.pk, "is_enabled": "on"})
    rule = AlertRule.objects.get()
    there = f"/scheduler/alerts/rules/{rule.pk}"

    form = operator.get(f"{there}/edit").content.decode()
    sent = {"kind": "failed", "name": rule.name, "job": job.key, "after": "30", "gather": "0"}
    operator.post(f"{there}/edit", {**sent, "channels": channel.pk})
    changed = AlertRule.objects.get()
    asked = operator.get(f"{there}/delete").content.decode()
    gone = operator.post(f"{there}/delete", {"next": f"{there}/edit"})

    assert 'value="600"' in form
    assert (changed.kind, changed.job, changed.is_enabled) == ("slow", job, False)
    assert changed.after == timedelta(seconds=30)
    assert "tells nobody any more" in asked
    assert gone.headers["Location"] == "/scheduler/alerts/"
    assert not AlertRule.objects.exists()


def test_a_channel_is_made_and_its_secret_is_shown_once(
    operator: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from schedules.conf import options

    monkeypatch.setitem(settings.SCHEDULES, "alert_hosts", ["hooks.example.com"])
    options.cache_clear()
    target = "https://hooks.example.com/canary"
    sent = {"name": "chat", "kind": "webhook", "target": target, "is_enabled": "on"}
    operator.post("/scheduler/alerts/channels/new", sent)
    first = operator.get("/scheduler/alerts/").content.decode()
    second = operator.get("/scheduler/alerts/").content.decode()
    channel = AlertChannel.objects.get()
    there = f"/scheduler/alerts/channels/{channel.pk}"
    form = operator.get(f"{there}/edit").content.decode()
    masked = "https://hooks.example.com/…"
    operator.post(f"{there}/edit", {**sent, "name": "talk", "target": masked})
    options.cache_clear()

    assert "whsec_" in first
    assert "whsec_" not in second
    assert "canary" not in first + second + form
    channel.refresh_from_db()
    assert (channel.name, channel.target) == ("talk", target)


def test_a_channel_to_nowhere_is_refused_and_one_can_be_deleted(
    operator: Client, channel: AlertChannel
) -> None:
    sent = {"name": "x", "kind": "email", "target": "nobody", "is_enabled": "on"}
    refused = operator.post("/scheduler/alerts/channels/new", sent)
    gone = operator.post(f"/scheduler/alerts/channels/{channel.pk}/delete")

    assert refused.status_code == 422
    assert list(refused.context["form"].errors) == ["target"]
    assert gone.headers["Location"] == "/scheduler/alerts/"
    assert not AlertChannel.objects.exists()


def test_a_job_is_let_run_after_another_and_no_more(
    operator: Client, job: Job, make_job: Make
) -> None:
    other = make_job("import", name_en="Import")
    there = f"/scheduler/jobs/{job.pk}/depend"
    sent = {"upstream": "import", "on": "ended", "reason": "fresh rows"}

    operator.post(there, sent)
    mine = operator.get(f"/scheduler/jobs/{job.pk}/?tab=dependencies").content.decode()
    its = operator.get(f"/scheduler/jobs/{other.pk}/?tab=dependencies").content.decode()
    circle = operator.post(f"/scheduler/jobs/{other.pk}/depend", {**sent, "upstream": job.key})
    operator.post(f"{there}/{other.pk}/remove")

    assert "Import" in mine
    assert "ended, however it did" in mine
    assert "Every night" in its
    assert circle.status_code == 422
    assert "does not wait for &#x27;import&#x27; itself" in circle.content.decode()
    assert not dependencies_of(job).exists()
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True)) == [
        "depend",
        "undepend",
    ]


@pytest.mark.parametrize("sent", [{"upstream": "nobody", "on": "ended"}, {"upstream": "nightly"}])
def test_a_dependency_on_nothing_is_refused(
    operator: Client, job: Job, sent: dict[str, str]
) -> None:
    response = operator.post(f"/scheduler/jobs/{job.pk}/depend", sent)

    assert response.status_code == 422
    assert not dependencies_of(job).exists()


def test_who_may_not_manage_sees_rules_and_dependencies_and_changes_none(
    viewer: Client, job: Job, make_job: Make, channel: AlertChannel, now: datetime
) -> None:
    other = make_job("import")
    add_dependency(job, other, on=After.ENDED, by="t", source="code", now=now)
    rule = AlertRule.objects.create(kind="failed", name="told", job=job, created_at=now)

    page = viewer.get(f"/scheduler/jobs/{job.pk}/?tab=alerts").content.decode()
    refused = [
        f"/scheduler/jobs/{job.pk}/depend/{other.pk}/remove",
        f"/scheduler/alerts/rules/{rule.pk}/edit",
        f"/scheduler/alerts/rules/{rule.pk}/delete",
        f"/scheduler/alerts/channels/{channel.pk}/edit",
        f"/scheduler/alerts/channels/{channel.pk}/delete",
    ]

    assert "told" in page
    assert "no channel" in page
    assert {viewer.post(address).status_code for address in refused} == {403}
    assert (AlertRule.objects.count(), AlertChannel.objects.count()) == (1, 1)
