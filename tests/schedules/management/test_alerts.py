"""`scheduler alerts`: the same verbs as everywhere, from a terminal."""

from collections.abc import Callable

import pytest

from schedules.models import AlertChannel, AlertRule, Delivery
from tests.schedules.management.conftest import Answer

pytestmark = pytest.mark.django_db

Scheduler = Callable[..., Answer]


@pytest.fixture
def channel(scheduler: Scheduler) -> None:
    scheduler("alerts", "add-channel", "ops", "--kind", "email", "--target", "ops@example.com")


def test_a_rule_from_the_first_word_to_the_last(scheduler: Scheduler, channel: None) -> None:
    scheduler("install")

    made = scheduler(
        *("alerts", "add-rule", "failing", "--times", "2", "--job", "daily"),
        *("--channel", "ops", "--json"),
    ).document
    muted = scheduler("alerts", "mute", str(made["id"]), "--reason", "move", "--json").document
    spoken = scheduler("alerts", "unmute", str(made["id"]), "--json").document

    assert (made["jobKey"], made["times"], made["channels"]) == ("daily", 2, ["ops"])
    assert (muted["isMuted"], spoken["isMuted"]) == (True, False)
    assert "daily: failed several times in a row" in scheduler("alerts", "rules").out
    assert scheduler("alerts", "delete-rule", str(made["id"])).code == 0
    assert not AlertRule.objects.exists()


def test_a_test_is_sent_and_listed(scheduler: Scheduler, channel: None) -> None:
    sent = scheduler("alerts", "test", "ops", "--json").document

    assert Delivery.objects.get().kind == "test"
    assert scheduler("alerts", "deliveries", "--json").document == {"items": [sent]}
    assert "pending" in scheduler("alerts", "deliveries").out


def test_a_channel_is_listed_and_deleted(scheduler: Scheduler, channel: None) -> None:
    assert "ops@example.com" in scheduler("alerts", "channels").out
    assert scheduler("alerts", "delete-channel", "ops").code == 0
    assert not AlertChannel.objects.exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("add-rule", "nonsense", "--channel", "ops"), 2, "kind is 'nonsense': one of failed"),
        (("add-rule", "failed"), 2, "channels is '': at least one channel"),
        (("add-rule", "failed", "--channel", "x"), 2, "channels is 'x': names of channels (ops)"),
        (("add-rule", "late", "--channel", "ops", "--after", "5"), 2, "after is '5 s': 30 s to"),
        (("add-rule", "late", "--channel", "ops", "--after", "x"), 2, "after is 'x': a whole"),
        (("add-rule", "late", "--channel", "ops", "--job", "x"), 3, "job is 'x'"),
        (("add-channel", "ops", "--kind", "email", "--target", "a@b.cd"), 2, "name is 'ops'"),
        (("add-channel", "h", "--kind", "webhook", "--target", "http://x/"), 2, "target is"),
        (("mute", "99"), 3, "rule is '99': the number of a rule"),
        (("test", "nobody"), 3, "channel is 'nobody'"),
    ],
)
def test_bad_input_is_one_sentence(
    scheduler: Scheduler, channel: None, words: tuple[str, ...], code: int, said: str
) -> None:
    answer = scheduler("alerts", *words)

    assert (answer.code, answer.out) == (code, "")
    assert said in answer.err
    assert len(answer.err.splitlines()) == 1
    assert not AlertRule.objects.exists()
