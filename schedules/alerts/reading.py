"""Channels, rules and deliveries as interfaces list them; a constant number of statements each."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from django.db.models import Q, Window
from django.db.models.functions import RowNumber

from schedules.alerts.rules import OF_THE_SCHEDULER
from schedules.errors import InvalidInput
from schedules.models import Alert, AlertChannel, AlertRule, Delivery, Job

MOST_COUNTED = 10_000
"""Deliveries that are counted for the number of pages."""


def all_channels() -> Sequence[AlertChannel]:
    """Return the channels by name."""
    return list(AlertChannel.objects.order_by("name"))


def all_rules() -> Sequence[AlertRule]:
    """Return the rules by name, with their jobs and channels."""
    return list(AlertRule.objects.select_related("job").prefetch_related("channels"))


def rules_about(job: Job) -> Sequence[AlertRule]:
    """Return the rules that may tell of the job: its own, and those about every job."""
    about = AlertRule.objects.filter(Q(job=job) | Q(job=None)).exclude(kind__in=OF_THE_SCHEDULER)
    return list(about.select_related("job").prefetch_related("channels"))


def channels_named(names: Iterable[str]) -> Sequence[AlertChannel]:
    """Return the channels of these names. Raises InvalidInput for a name that none has."""
    wanted = list(dict.fromkeys(names))
    found = {channel.name: channel for channel in AlertChannel.objects.filter(name__in=wanted)}
    for name in wanted:
        if name not in found:
            known = ", ".join(channel.name for channel in all_channels()) or "there is none yet"
            raise InvalidInput("channels", name, f"names of channels ({known})")
    return [found[name] for name in wanted]


def page_of_deliveries(
    *, page: int = 1, per_page: int = 20, with_alerts: bool = True
) -> tuple[Sequence[Delivery], int]:
    """Return one page of deliveries, newest first, and how many there are.

    Their alerts are loaded with them unless told otherwise: each may have a hundred. Beyond
    `MOST_COUNTED` nobody counts.
    """
    deliveries = Delivery.objects.order_by("-opened_at", "-id")
    total = deliveries.order_by()[:MOST_COUNTED].count()
    start = (page - 1) * per_page
    if start >= total:
        return [], total
    if with_alerts:
        deliveries = deliveries.prefetch_related("alerts")
    return list(deliveries[start : start + per_page]), total


def first_alerts(deliveries: Iterable[Delivery], *, most: int) -> Mapping[UUID, Sequence[Alert]]:
    """Return the first `most` alerts of each delivery that has any; one statement."""
    place = Window(RowNumber(), partition_by="delivery_id", order_by="id")
    found = Alert.objects.filter(delivery__in=deliveries).annotate(place=place)
    alerts: dict[UUID, list[Alert]] = {}
    for alert in found.filter(place__lte=most):
        alerts.setdefault(alert.delivery_id, []).append(alert)
    return alerts
