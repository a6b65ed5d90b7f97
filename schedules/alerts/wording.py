"""What a delivery says: to people in a mail or a chat, to programs as JSON."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings

from schedules.alerts.decide import in_one_line
from schedules.conf import options
from schedules.models import Alert, Delivery
from schedules.operations.wording import iso, iso_seconds
from schedules.states import AlertKind

MOST_LINES = 20
"""Alerts that a message quotes; the rest it counts."""

MOST_NAMES = 10
LONGEST_SUBJECT = 150
SITE = "Downbeat"


def subject(delivery: Delivery, alerts: Sequence[Alert]) -> str:
    """Return one short line."""
    if delivery.kind == AlertKind.TEST:
        return f"[{SITE}] Test of {in_one_line(delivery.channel_name)}"
    if delivery.count == 1 and alerts:
        line = alerts[0].text
    else:
        line = (
            f"{delivery.count} alerts ({delivery.get_kind_display()}): {_names(delivery, alerts)}"
        )
    return in_one_line(f"[{SITE}] {line}", longest=LONGEST_SUBJECT)


def text(delivery: Delivery, alerts: Sequence[Alert]) -> str:
    """Return the whole message as plain text."""
    lines = [f"{iso_seconds(alert.at)}  {in_one_line(alert.text)}" for alert in alerts[:MOST_LINES]]
    more = delivery.count - len(lines)
    if more > 0 and alerts:
        lines.append(f"… and {more} more until {iso_seconds(delivery.last_at)}.")
    if delivery.count > len(alerts) > 0 or len(alerts) > MOST_LINES:
        lines.append(f"Jobs: {_names(delivery, alerts)}")
    if delivery.rule_name:
        lines += ["", f"Rule: {in_one_line(delivery.rule_name)}"]
    if options().site_url:
        lines.append(f"{options().site_url.rstrip('/')}/scheduler/")
    return "\n".join(lines) + "\n"


def document(delivery: Delivery, alerts: Sequence[Alert], *, at: datetime) -> dict[str, Any]:
    """Return the body of a webhook."""
    return {
        "type": f"alert.{delivery.kind}",
        "timestamp": iso(at),
        "data": {
            "deliveryId": str(delivery.pk),
            "rule": delivery.rule_name,
            "kind": delivery.kind,
            "count": delivery.count,
            "firstAt": iso(delivery.opened_at),
            "lastAt": iso(delivery.last_at),
            "summary": subject(delivery, alerts),
            "alerts": [
                {
                    "at": iso(alert.at),
                    "jobKey": alert.job_key,
                    "executionId": str(alert.execution_id) if alert.execution_id else None,
                    "text": alert.text,
                    **alert.facts,
                }
                for alert in alerts
            ],
        },
    }


def chat(delivery: Delivery, alerts: Sequence[Alert]) -> dict[str, Any]:
    """Return the body that Slack and those who copied its webhooks take."""
    words = f"*{subject(delivery, alerts)}*\n{text(delivery, alerts)}"
    # The three characters that Slack reads as its own signs.
    return {"text": words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}


def sender() -> str:
    """Return the address that mails come from."""
    return str(settings.DEFAULT_FROM_EMAIL)


def _names(delivery: Delivery, alerts: Sequence[Alert]) -> str:
    """Name the jobs by how often they are among the alerts that were kept."""
    counted = Counter(alert.job_key for alert in alerts if alert.job_key)
    names = [f"{name} ({times})" for name, times in counted.most_common(MOST_NAMES)]
    if len(counted) > MOST_NAMES:
        names.append(f"{len(counted) - MOST_NAMES} others")
    if delivery.count > len(alerts):
        names.append(f"counted over the first {len(alerts)}")
    return ", ".join(names) or "the scheduler"
