"""Sending a delivery: taken by one UPDATE, sent outside of any transaction, and written down."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from uuid import UUID

from django.core.mail import EmailMessage
from django.db.models import F

from schedules.alerts.book import MOST_ATTEMPTS, RETRY_AFTER
from schedules.alerts.calling import NotDelivered, call, signed
from schedules.alerts.channels import addresses_of
from schedules.alerts.decide import in_one_line
from schedules.alerts.targets import read_url
from schedules.alerts.wording import chat, document, sender, subject, text
from schedules.errors import InvalidInput
from schedules.models import Alert, AlertChannel, Delivery
from schedules.states import ChannelKind, DeliveryState

TAKEN_FOR = timedelta(minutes=2)
"""How long who has taken a delivery may need; if it dies with it, it is then sent once more."""

Database = Callable[[], AbstractContextManager[object]]
"""What wraps each visit to the database; between two visits none is open."""


def send(delivery_id: UUID, *, clock: Callable[[], datetime], database: Database) -> str | None:
    """Send the delivery if it is due and nobody else has it; return what became of it.

    None when it is not to be had now: over, taken or not due. Raises NotDelivered when the try
    failed; the next one's time is then on the row, unless it was the last.
    """
    with database():
        delivery = _take(delivery_id, now=clock())
        if delivery is None:
            return None
        alerts = list(delivery.alerts.all())
    try:
        answer = _send(delivery, alerts, at=clock())
    except NotDelivered as error:
        with database():
            _note_failure(delivery, str(error), now=clock())
        raise
    with database():
        Delivery.objects.filter(pk=delivery.pk).update(
            state=DeliveryState.SENT, ended_at=clock(), next_at=None, answer=answer[:200], error=""
        )
    return answer


def pause_after(attempts: int) -> timedelta:
    """Return how long to wait after so many failed tries."""
    doublings: int = 2 ** (attempts - 1)
    return RETRY_AFTER * doublings


def _take(delivery_id: UUID, *, now: datetime) -> Delivery | None:
    """Take the delivery and close it to further alerts, unless it is over, taken or not due."""
    due = Delivery.objects.filter(pk=delivery_id, next_at__lte=now)
    taken = due.update(
        state=DeliveryState.PENDING, attempts=F("attempts") + 1, next_at=now + TAKEN_FOR
    )
    if not taken:
        return None
    return Delivery.objects.select_related("channel").get(pk=delivery_id)


def _note_failure(delivery: Delivery, error: str, *, now: datetime) -> None:
    is_last = delivery.attempts >= MOST_ATTEMPTS or delivery.channel is None
    Delivery.objects.filter(pk=delivery.pk).update(
        state=DeliveryState.FAILED if is_last else DeliveryState.PENDING,
        next_at=None if is_last else now + pause_after(delivery.attempts),
        ended_at=now if is_last else None,
        error=in_one_line(error, longest=1000),
    )


def _send(delivery: Delivery, alerts: list[Alert], *, at: datetime) -> str:
    channel = delivery.channel
    if channel is None:
        raise NotDelivered("its channel is deleted")
    if channel.kind == ChannelKind.EMAIL:
        return _mail(channel, delivery, alerts)
    if channel.kind == ChannelKind.SLACK:
        return _call(channel, delivery, json.dumps(chat(delivery, alerts)).encode(), at=at)
    content = json.dumps(document(delivery, alerts, at=at), ensure_ascii=False)
    return _call(channel, delivery, content.encode(errors="replace"), at=at)


def _mail(channel: AlertChannel, delivery: Delivery, alerts: list[Alert]) -> str:
    to = addresses_of(channel.target)
    headers = {"Message-ID": f"<{delivery.pk}.{delivery.attempts}@downbeat>"}
    message = EmailMessage(
        subject(delivery, alerts), text(delivery, alerts), sender(), to, headers=headers
    )
    try:
        message.send()
    except Exception as error:
        raise NotDelivered(f"the mail server: {type(error).__name__}: {error}") from error
    return f"mailed to {len(to)}"


def _call(channel: AlertChannel, delivery: Delivery, body: bytes, *, at: datetime) -> str:
    try:
        target = read_url(channel.target)  # again: the settings may name other hosts by now
    except InvalidInput as refusal:
        raise NotDelivered(str(refusal)) from refusal
    headers = signed(channel, body, message=delivery.pk, at=at)
    answer = call(target, body, headers)
    said = in_one_line(f"{answer.status} {answer.reason}")
    if 300 <= answer.status < 400:
        raise NotDelivered(f"{target.host} answered {said}; a redirect is not followed")
    if not 200 <= answer.status < 300:
        raise NotDelivered(f"{target.host} answered {said}: {in_one_line(answer.beginning)}")
    return said
