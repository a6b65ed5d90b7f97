"""Questions about Beats and workers."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models

from schedules.states import InstanceStatus

if TYPE_CHECKING:
    from schedules.models import Instance  # noqa: F401 - named in the base class below

LEASE = timedelta(seconds=30)
"""How long a heartbeat is believed. Renewed every third of it."""


class InstanceQuerySet(models.QuerySet["Instance"]):
    """Instances by whether they live."""

    def alive(self, now: datetime) -> "InstanceQuerySet":
        """Those that have not stopped and whose heartbeat is younger than the lease."""
        return self.exclude(status=InstanceStatus.STOPPED).filter(heartbeat_at__gt=now - LEASE)

    def dead(self, now: datetime) -> "InstanceQuerySet":
        """Those that have stopped or fallen silent; what they still own is nobody's."""
        return self.filter(
            models.Q(status=InstanceStatus.STOPPED) | models.Q(heartbeat_at__lte=now - LEASE)
        )

    def ahead(self, now: datetime) -> "InstanceQuerySet":
        """Those whose heartbeat lies so far ahead that the clock must have been put back since."""
        return self.filter(heartbeat_at__gt=now + LEASE)
