"""Noting alerts: each becomes part of a delivery to every channel of its rule.

A rule's alerts are gathered for a while into one delivery, so that ten thousand failures in a
minute are one message that says so.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import F

from schedules.dispatch import Call, park
from schedules.models import Alert, AlertChannel, AlertRule, Delivery
from schedules.registry import find
from schedules.states import AlertKind, DeliveryState

DELIVER = "alerts.deliver_alert"
"""The Celery name of the job that sends."""

MOST_KEPT = 100
"""Alerts of one delivery that are kept word for word; more are counted."""

MOST_A_MINUTE = 60
"""Messages that a channel gets in a minute. What is more is gathered, whatever the rule says."""

RETRY_AFTER = timedelta(seconds=30)
"""Pause before the second try; it doubles with each."""

MOST_ATTEMPTS = 10
"""Tries of a delivery: the last one comes four hours after the first."""

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One thing worth telling."""

    text: str
    at: datetime
    job_key: str = ""
    execution_id: UUID | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def note(rule: AlertRule, told: Note, *, now: datetime) -> None:
    """Make the alert part of a delivery to each enabled channel of `rule`.

    In one short transaction, which joins the caller's: thousands of failures in a minute must not
    each wait for the disk once for every channel. The job that sends is planned in the same
    transaction, so that no alert is left without its messenger.
    """
    enabled = [channel for channel in rule.channels.all() if channel.is_enabled]
    with transaction.atomic():
        # Everybody locks them in one order, or two ends at once could wait for each other.
        for channel in sorted(enabled, key=lambda channel: channel.pk):
            delivery = _delivery_for(rule, channel, now)
            if delivery.count <= MOST_KEPT:
                _write(delivery, told)


def open_delivery(
    channel: AlertChannel,
    *,
    kind: AlertKind,
    now: datetime,
    due_at: datetime,
    rule: AlertRule | None = None,
    gathers: bool = False,
) -> Delivery:
    """Make a delivery and plan the run that sends it at `due_at`, in the caller's transaction."""
    delivery = Delivery.objects.create(
        id=uuid4(),
        channel=channel,
        channel_name=channel.name,
        rule=rule,
        rule_name=rule.name if rule is not None else "",
        kind=kind,
        state=DeliveryState.GATHERING if gathers else DeliveryState.PENDING,
        opened_at=now,
        last_at=now,
        next_at=due_at,
    )
    send_at(delivery.pk, due_at)
    return delivery


def send_at(delivery_id: UUID, at: datetime) -> None:
    """Plan the run that sends the delivery; one that waits already is moved."""
    declaration = find(DELIVER)
    assert declaration is not None
    key, kwargs = f"{DELIVER}:{delivery_id}", {"delivery": str(delivery_id)}
    park(declaration, [Call(key=key, at=at, kwargs=kwargs)])


def _delivery_for(rule: AlertRule, channel: AlertChannel, now: datetime) -> Delivery:
    gather = rule.gather
    if not gather:
        recent = Delivery.objects.filter(channel=channel, opened_at__gt=now - MINUTE)
        if recent.order_by()[:MOST_A_MINUTE].count() < MOST_A_MINUTE:
            return open_delivery(channel, kind=AlertKind(rule.kind), rule=rule, now=now, due_at=now)
        gather = MINUTE
    while True:
        gathering = Delivery.objects.filter(
            rule=rule, channel=channel, state=DeliveryState.GATHERING
        )
        # One statement that also holds the row until commit: a delivery that is being closed
        # counts either all of an alert or none of it.
        if gathering.update(count=F("count") + 1, last_at=now):
            return gathering.get()
        try:
            with transaction.atomic():
                return open_delivery(
                    channel,
                    kind=AlertKind(rule.kind),
                    rule=rule,
                    now=now,
                    due_at=now + gather,
                    gathers=True,
                )
        except IntegrityError:
            continue  # another process has opened it in this very moment


def _write(delivery: Delivery, told: Note) -> None:
    Alert.objects.create(
        delivery=delivery,
        at=told.at,
        job_key=told.job_key,
        execution_id=told.execution_id,
        text=told.text,
        facts=told.facts,
    )
