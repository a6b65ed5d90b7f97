"""The JSON of channels, rules and deliveries, in one place for CLI and API."""

from datetime import datetime
from typing import Any

from schedules.alerts.channels import shown_target
from schedules.alerts.decide import is_muted
from schedules.models import AlertChannel, AlertRule, Delivery
from schedules.operations.wording import iso


def channel_shape(channel: AlertChannel) -> dict[str, Any]:
    """Return a channel; of a webhook's URL only the host is shown."""
    return {
        "id": channel.pk,
        "name": channel.name,
        "kind": channel.kind,
        "target": shown_target(channel),
        "isEnabled": channel.is_enabled,
        "createdAt": iso(channel.created_at),
    }


def rule_shape(rule: AlertRule, *, now: datetime) -> dict[str, Any]:
    """Return a rule. Wants `job` and `channels` loaded."""
    return {
        "id": rule.pk,
        "name": rule.name,
        "kind": rule.kind,
        "jobId": rule.job_id,
        "jobKey": rule.job.key if rule.job is not None else None,
        "channels": [channel.name for channel in rule.channels.all()],
        "times": rule.times,
        "afterSeconds": None if rule.after is None else rule.after.total_seconds(),
        "gatherSeconds": rule.gather.total_seconds(),
        "isEnabled": rule.is_enabled,
        "isMuted": is_muted(rule, now=now),
        "mutedUntil": iso(rule.muted_until) if rule.muted_until else None,
        "mutedBy": rule.muted_by or None,
        "muteReason": rule.mute_reason or None,
        "createdAt": iso(rule.created_at),
    }


def delivery_shape(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery. Wants `alerts` loaded."""
    return {
        "id": str(delivery.pk),
        "channelId": delivery.channel_id,
        "channelName": delivery.channel_name,
        "ruleId": delivery.rule_id,
        "ruleName": delivery.rule_name or None,
        "kind": delivery.kind,
        "state": delivery.state,
        "count": delivery.count,
        "alerts": [
            {
                "at": iso(alert.at),
                "jobKey": alert.job_key or None,
                "executionId": str(alert.execution_id) if alert.execution_id else None,
                "text": alert.text,
            }
            for alert in delivery.alerts.all()
        ],
        "openedAt": iso(delivery.opened_at),
        "lastAt": iso(delivery.last_at),
        "nextAt": iso(delivery.next_at) if delivery.next_at else None,
        "endedAt": iso(delivery.ended_at) if delivery.ended_at else None,
        "attempts": delivery.attempts,
        "answer": delivery.answer or None,
        "error": delivery.error or None,
    }
