"""Rules, channels and what was delivered."""

from django.http import HttpResponse

from schedules.alerts.channels import shown_target
from schedules.alerts.reading import all_channels, all_rules, page_of_deliveries
from schedules.dashboard.guard import page, show
from schedules.dashboard.reader import Reader

DELIVERIES_SHOWN = 30


@page
def alerts(reader: Reader) -> HttpResponse:
    """Show who is told what, and the newest deliveries. Six statements."""
    deliveries, _total = page_of_deliveries(per_page=DELIVERIES_SHOWN)
    context = {
        "here": "alerts",
        "rules": [
            {
                "rule": rule,
                "is_muted": rule.muted_at is not None
                and (rule.muted_until is None or rule.muted_until > reader.now),
            }
            for rule in all_rules()
        ],
        "channels": [
            {"channel": channel, "target": shown_target(channel)} for channel in all_channels()
        ],
        "deliveries": deliveries,
    }
    return show(reader, "schedules/alerts.html", context)
