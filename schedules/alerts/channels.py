"""Channels: making, changing, testing and deleting them. Each leaves one audit entry."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from schedules.access import Source, record
from schedules.alerts.book import Note, open_delivery
from schedules.alerts.rulebook import forget
from schedules.alerts.targets import masked, read_url
from schedules.errors import InvalidInput, Refused
from schedules.models import Alert, AlertChannel, Delivery
from schedules.states import AlertKind, ChannelKind

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    Actor = AbstractBaseUser | AnonymousUser | str

EDITABLE = ("name", "target", "is_enabled")
LONGEST_NAME = 100
MOST_ADDRESSES = 50


@transaction.atomic
def create_channel(
    *,
    name: str,
    kind: str,
    target: str,
    by: "Actor",
    source: Source,
    now: datetime,
    is_enabled: bool = True,
) -> AlertChannel:
    """Make a channel. `target` is a list of addresses with commas, or a URL.

    Raises InvalidInput for a name that is taken, an unknown kind, or a target that may not be used.
    """
    if kind not in ChannelKind.values:
        raise InvalidInput("kind", kind, f"one of {', '.join(ChannelKind.values)}")
    channel = AlertChannel(
        name=_checked_name(name, None),
        kind=kind,
        target=checked_target(kind, target),
        is_enabled=is_enabled,
        created_at=now,
    )
    channel.save()
    _record("create", channel, by, source, now, after=_shown(channel))
    return channel


@transaction.atomic
def edit_channel(
    channel: AlertChannel,
    *,
    changes: Mapping[str, Any],
    by: "Actor",
    source: Source,
    now: datetime,
) -> AlertChannel:
    """Change the fields in EDITABLE that `changes` names. Raises InvalidInput."""
    before = _shown(channel)
    for name in EDITABLE:
        if name in changes:
            setattr(channel, name, changes[name])
    channel.name = _checked_name(channel.name, channel.pk)
    channel.target = checked_target(channel.kind, channel.target)
    after = _shown(channel)
    is_moved = "target" in changes and AlertChannel.objects.exclude(target=channel.target).filter(
        pk=channel.pk
    )
    if before != after or is_moved:
        channel.save(update_fields=EDITABLE)
        _record("edit", channel, by, source, now, before=before, after=after)
    return channel


@transaction.atomic
def renew_key(channel: AlertChannel, *, by: "Actor", source: Source, now: datetime) -> AlertChannel:
    """Give the channel a new signing key; messages signed with the old one are no longer sent."""
    channel.key_number += 1
    channel.save(update_fields=["key_number"])
    _record("renew_key", channel, by, source, now, after={"keyNumber": channel.key_number})
    return channel


@transaction.atomic
def delete_channel(channel: AlertChannel, *, by: "Actor", source: Source, now: datetime) -> None:
    """Delete the channel; what was sent over it stays in the record."""
    _record("delete", channel, by, source, now, before=_shown(channel))
    channel.delete()


@transaction.atomic
def send_test(channel: AlertChannel, *, by: "Actor", source: Source, now: datetime) -> Delivery:
    """Send a test message over the channel; the delivery that is returned says what became of it.

    Raises Refused for a disabled channel.
    """
    if not channel.is_enabled:
        raise Refused(f"Channel {channel.name!r} is disabled. Enable it first.")
    delivery = open_delivery(channel, kind=AlertKind.TEST, now=now, due_at=now)
    told = Note(text=f"This is a test of {channel.name}. Nothing is wrong.", at=now)
    Alert.objects.create(delivery=delivery, at=told.at, text=told.text)
    _record("test", channel, by, source, now)
    return delivery


def addresses_of(target: str) -> list[str]:
    """Return the addresses of an e-mail channel."""
    return [entry for entry in re.split(r"[,;\s]+", target) if entry]


def checked_target(kind: str, target: str) -> str:
    """Return the target as it is stored. Raises InvalidInput."""
    if kind != ChannelKind.EMAIL:
        read_url(target.strip())
        return target.strip()
    found = addresses_of(target)
    for address in found:
        try:
            validate_email(address)
        except ValidationError:
            raise InvalidInput(
                "target", address, "an e-mail address, several with commas"
            ) from None
    if not 1 <= len(found) <= MOST_ADDRESSES:
        raise InvalidInput("target", target, f"1 to {MOST_ADDRESSES} addresses, with commas")
    return ", ".join(found)


def shown_target(channel: AlertChannel) -> str:
    """Return the target for people's eyes: a webhook's path is as good as a password."""
    return channel.target if channel.kind == ChannelKind.EMAIL else masked(channel.target)


def _checked_name(name: str, number: int | None) -> str:
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise InvalidInput("name", name, f"1 to {LONGEST_NAME} printable characters")
    others = (
        AlertChannel.objects.all() if number is None else AlertChannel.objects.exclude(pk=number)
    )
    if others.filter(name=name).exists():
        raise InvalidInput("name", name, "a name that no other channel has")
    return name


def _shown(channel: AlertChannel) -> dict[str, Any]:
    return {
        "name": channel.name,
        "kind": channel.kind,
        "target": shown_target(channel),
        "isEnabled": channel.is_enabled,
    }


def _record(
    action: str,
    channel: AlertChannel,
    by: "Actor",
    source: Source,
    now: datetime,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    transaction.on_commit(forget, robust=True)
    record(
        action,
        subject=f"alert_channel:{channel.name}",
        actor=by,
        source=source,
        now=now,
        before=before,
        after=after,
    )
