"""How Beats and workers stand, in one word each, and what they are doing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from schedules.models import Instance, Run
from schedules.querysets.instances import LEASE
from schedules.states import InstanceStatus


def life_of(instance: Instance, *, now: datetime) -> str:
    """Return `dead` for an instance that fell silent, otherwise what it last said of itself."""
    if instance.status == InstanceStatus.STOPPED:
        return InstanceStatus.STOPPED.value
    if instance.heartbeat_at <= now - LEASE:
        return "dead"
    return str(instance.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """An instance with what it does: how it stands, and how many runs it executes now."""

    instance: Instance
    life: str
    running: int


def load_of(instances: Iterable[Instance], *, now: datetime) -> list[Load]:
    """Return the instances with their load, the living first. One statement."""
    counted = Run.objects.running().order_by().values("instance_id").annotate(number=Count("pk"))
    running = {row["instance_id"]: row["number"] for row in counted}
    loads = [
        Load(instance=each, life=life_of(each, now=now), running=running.get(each.pk, 0))
        for each in instances
    ]
    gone = ("dead", InstanceStatus.STOPPED.value)
    return sorted(loads, key=lambda load: (load.life in gone, load.instance.kind))
