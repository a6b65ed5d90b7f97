"""How the scheduler stands: who lives, how much there is, when Beat was last heard of."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Count, Q

from schedules.models import GlobalPause, Instance, Job, Run
from schedules.operations.listing import count_up_to
from schedules.states import InstanceKind, InstanceMode

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for "no Beat was ever heard of" where an instant must be given."""

MOST_PARKED = 100_000
MOST_INSTANCES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerStatus:
    """All of it is present even before any Beat ever ran."""

    is_running: bool
    is_paused: bool
    mode: str
    instance_id: str
    active_instances: int
    total_jobs: int
    enabled_jobs: int
    invalid_jobs: int
    running_runs: int
    parked_runs: int
    last_heartbeat: datetime
    instances: list[Instance]
    alive: frozenset[object]


def scheduler_status(*, now: datetime) -> SchedulerStatus:
    """Return the status at `now`, in six statements."""
    instances = list(Instance.objects.order_by("-heartbeat_at")[:MOST_INSTANCES])
    alive = frozenset(Instance.objects.alive(now).values_list("pk", flat=True))
    beats = [instance for instance in instances if instance.kind == InstanceKind.BEAT]
    living = [beat for beat in beats if beat.pk in alive]
    speaker = next(iter(living or beats), None)
    jobs = Job.objects.existing().aggregate(
        total=Count("pk"),
        enabled=Count("pk", filter=Q(is_enabled=True)),
        invalid=Count("pk", filter=Q(is_enabled=True) & ~Q(invalid_reason="")),
    )
    return SchedulerStatus(
        is_running=bool(living),
        is_paused=GlobalPause.objects.filter(ended_at__isnull=True).exists(),
        mode=speaker.mode if speaker else InstanceMode.STANDALONE,
        instance_id=str(speaker.pk) if speaker else "",
        active_instances=len(alive),
        total_jobs=jobs["total"],
        enabled_jobs=jobs["enabled"],
        invalid_jobs=jobs["invalid"],
        running_runs=Run.objects.running().count(),
        parked_runs=count_up_to(Run.objects.parked(), limit=MOST_PARKED),
        last_heartbeat=speaker.heartbeat_at if speaker else NEVER,
        instances=instances,
        alive=alive,
    )
