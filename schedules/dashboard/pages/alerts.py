"""Rules, channels and what was delivered."""

from datetime import datetime
from typing import Any

from django.http import HttpResponse

from schedules.alerts.book import MOST_ATTEMPTS
from schedules.alerts.channels import shown_target
from schedules.alerts.decide import is_muted
from schedules.alerts.reading import all_channels, all_rules, first_alerts, page_of_deliveries
from schedules.dashboard.guard import page, show
from schedules.dashboard.reader import Reader
from schedules.dashboard.words.alerts import channel_in_words, kind_in_words, rule_in_words
from schedules.models import AlertRule

DELIVERIES_SHOWN = 30
ALERTS_SHOWN = 3
"""Alerts of a delivery that are quoted; the rest it counts."""


@page
def alerts(reader: Reader) -> HttpResponse:
    """Show who is told what, and a page of deliveries. Six statements."""
    asked = reader.request.GET.get("page", "")
    number = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 5 else 1
    number = max(number, 1)
    deliveries, total = page_of_deliveries(
        page=number, per_page=DELIVERIES_SHOWN, with_alerts=False
    )
    quoted = first_alerts(deliveries, most=ALERTS_SHOWN)
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
            {
                "delivery": delivery,
                "words": kind_in_words(delivery.kind),
                "alerts": quoted.get(delivery.pk, ()),
                "more": delivery.count - len(quoted.get(delivery.pk, ())),
            }
            for delivery in deliveries
        ],
        "most_attempts": MOST_ATTEMPTS,
        "older": number + 1 if number * DELIVERIES_SHOWN < total else None,
    }
    return show(reader, "schedules/alerts.html", context)


def shown_rule(rule: AlertRule, *, now: datetime) -> dict[str, Any]:
    """Return what a list shows of a rule. Wants its job and channels loaded."""
    return {"rule": rule, "words": rule_in_words(rule), "is_muted": is_muted(rule, now=now)}
