"""Rules are checked where they are entered, and every change leaves one entry."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from schedules.alerts.rules import create_rule, delete_rule, edit_rule, mute_rule, unmute_rule
from schedules.errors import InvalidInput
from schedules.models import AlertChannel, AlertRule, AuditEntry, Job
from tests.schedules.alerts.conftest import NOON

pytestmark = pytest.mark.django_db

COMMON: dict[str, Any] = {"by": "siti", "source": "api", "now": NOON}


@pytest.mark.parametrize(
    ("kind", "times", "after", "gather"),
    [
        ("failed", 1, None, 60),
        ("failing", 3, None, 60),
        ("completed", 1, None, 0),
        ("late", 1, 120, 60),
        ("beat_silent", 1, 60, 0),
    ],
)
def test_a_kind_brings_its_own_defaults(
    make_rule: Callable[..., AlertRule], kind: str, times: int, after: int | None, gather: int
) -> None:
    rule = make_rule(kind)

    assert rule.times == times
    assert rule.after == (None if after is None else timedelta(seconds=after))
    assert rule.gather == timedelta(seconds=gather)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "test"}, "kind is 'test': one of failed"),
        ({"kind": "failed", "channels": []}, "channels"),
        ({"kind": "failed", "times": 2}, "times is '2': 1 to 100; more than 1 with"),
        ({"kind": "failing", "times": 101}, "times"),
        ({"kind": "failed", "after": timedelta(seconds=60)}, "after is '60 s': nothing with"),
        ({"kind": "late", "after": timedelta(seconds=5)}, "after is '5 s': 30 s to 30 days"),
        ({"kind": "failed", "gather": timedelta(days=2)}, "gather"),
        ({"kind": "failed", "name": "x\ny"}, "name"),
    ],
)
def test_what_makes_no_sense_is_refused(
    mail_channel: AlertChannel, fields: dict[str, Any], message: str
) -> None:
    before = AuditEntry.objects.count()

    with pytest.raises(InvalidInput, match=message):
        create_rule(**{"channels": [mail_channel], **fields}, **COMMON)

    assert not AlertRule.objects.exists()
    assert AuditEntry.objects.count() == before


def test_a_rule_about_the_scheduler_has_no_job(
    make_rule: Callable[..., AlertRule], make_job: Callable[..., Job]
) -> None:
    with pytest.raises(InvalidInput, match="about the scheduler"):
        make_rule("beat_silent", job=make_job())


def test_each_verb_leaves_one_entry(make_rule: Callable[..., AlertRule]) -> None:
    rule = make_rule("failed")
    AuditEntry.objects.all().delete()

    rule = edit_rule(rule, changes={"name": "All failures"}, **COMMON)
    edit_rule(rule, changes={"name": "All failures"}, **COMMON)
    mute_rule(rule, until=NOON + timedelta(hours=1), reason="deploy", **COMMON)
    unmute_rule(rule, **COMMON)
    unmute_rule(rule, **COMMON)
    delete_rule(rule, **COMMON)

    entries = AuditEntry.objects.order_by("id").values_list("action", "subject", "reason")
    assert list(entries) == [
        ("edit", "alert_rule:All failures", ""),
        ("mute", "alert_rule:All failures", "deploy"),
        ("unmute", "alert_rule:All failures", ""),
        ("delete", "alert_rule:All failures", ""),
    ]


def test_a_mute_that_would_be_over_is_refused(make_rule: Callable[..., AlertRule]) -> None:
    with pytest.raises(InvalidInput, match="until"):
        mute_rule(make_rule("failed"), until=NOON, **COMMON)
