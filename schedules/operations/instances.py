"""One word for how a Beat or a worker stands."""

from datetime import datetime

from schedules.models import Instance
from schedules.querysets.instances import LEASE
from schedules.states import InstanceStatus


def life_of(instance: Instance, *, now: datetime) -> str:
    """Return `dead` for an instance that fell silent, otherwise what it last said of itself."""
    if instance.status == InstanceStatus.STOPPED:
        return InstanceStatus.STOPPED.value
    if instance.heartbeat_at <= now - LEASE:
        return "dead"
    return str(instance.status)
