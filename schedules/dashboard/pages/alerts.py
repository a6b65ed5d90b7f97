"""Rules, channels and what was delivered."""

from datetime import datetime
from typing import Any

from django.http import HttpResponse

from schedules.alerts.channels import shown_target
from schedules.alerts.decide import is_muted
from schedules.alerts.reading import all_channels, all_rules, page_of_deliveries
from schedules.dashboard.guard import page, show
from schedules.dashboard.reader import Reader
from schedules.dashboard.words.alerts import channel_in_words, kind_in_words, rule_in_words
from schedules.models import AlertRule

DELIVERIES_SHOWN = 30


@page
def alerts(reader: Reader) -> HttpResponse:
    """Show who is told what, and the newest deliveries. Six statements."""
    deliveries, _total = page_of_deliveries(per_page=DELIVERIES_SHOWN)
    context = {
        "here": "alerts",
        "rules": [shown_rule(rule, now=reader.now) for rule in all_rules()],
        "channels": [
            {
                "channel": channel,
                "target": shown_target(channel),
                "words": channel_in_words(channel.kind),
            }
            for channel in all_channels()
        ],
        "deliveries": [
            {"delivery": delivery, "words": kind_in_words(delivery.kind)} for delivery in deliveries
        ],
    }
    return show(reader, "schedules/alerts.html", context)


def shown_rule(rule: AlertRule, *, now: datetime) -> dict[str, Any]:
    """Return what a list shows of a rule. Wants its job and channels loaded."""
    return {"rule": rule, "words": rule_in_words(rule), "is_muted": is_muted(rule, now=now)}
