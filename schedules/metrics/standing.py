"""How things stand at an instant: queues, outbox, instances, jobs. A dozen bounded statements."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Q

from schedules.conf import options
from schedules.models import Delivery, GlobalPause, Instance, Job, Run
from schedules.operations.listing import count_up_to
from schedules.operations.queues import queue_lengths
from schedules.overlap import WAITS_FOR_A_SLOT
from schedules.querysets.runs import RunQuerySet
from schedules.states import DeliveryState, InstanceKind, RunState

MOST_COUNTED = 100_000
"""Waiting runs are counted up to here; a backlog beyond it is no less a backlog."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a look found. Ages are in seconds; None: there is nothing of that age."""

    runs: Mapping[str, int]
    """By `outbox` (due and not handed over), `sent`, `running`, `retrying`, `parked`."""
    outbox_age: float
    planning_lag: float
    """How long the most overdue job has waited to be planned."""
    beat_age: float | None
    instances: Mapping[str, int]
    jobs: Mapping[str, int]
    deliveries: Mapping[str, int]
    is_paused: bool
    broker_answers: bool
    queues: Mapping[str, int]


def look(*, now: datetime) -> Standing:
    """Return how things stand. The broker gets a second to answer; the rest is asked of rows."""
    due = _outbox(now)
    oldest = due.aggregate(oldest=Min("due_at"))["oldest"]
    next_due = Job.objects.filter(next_due_at__isnull=False).aggregate(at=Min("next_due_at"))["at"]
    queues = queue_lengths()
    return Standing(
        runs={
            "outbox": count_up_to(due, limit=MOST_COUNTED),
            "sent": count_up_to(
                _in(RunState.SENT).filter(sent_at__isnull=False), limit=MOST_COUNTED
            ),
            "running": count_up_to(_in(RunState.RUNNING), limit=MOST_COUNTED),
            "retrying": count_up_to(_in(RunState.RETRYING), limit=MOST_COUNTED),
            "parked": count_up_to(Run.objects.parked(), limit=MOST_COUNTED),
        },
        outbox_age=_age(oldest, now) or 0.0,
        planning_lag=_age(next_due, now) or 0.0,
        beat_age=_age(_last_heartbeat(), now),
        instances=_instances(now),
        jobs=_jobs(),
        deliveries=_deliveries(),
        is_paused=GlobalPause.objects.filter(ended_at__isnull=True).exists(),
        broker_answers=queues is not None,
        queues=queues or {},
    )


def _outbox(now: datetime) -> RunQuerySet:
    # The second condition is what the index of the outbox begins at: it looks at each run again
    # within its longest pause.
    soon = now + options().send_again_at_most_after + timedelta(minutes=1)
    due = Run.objects.unsent().filter(due_at__lte=now, publish_at__lt=soon)
    return due.exclude(reason=WAITS_FOR_A_SLOT)


def _in(state: RunState) -> RunQuerySet:
    return Run.objects.filter(state=state)


def _age(instant: datetime | None, now: datetime) -> float | None:
    return None if instant is None else max((now - instant).total_seconds(), 0.0)


def _last_heartbeat() -> datetime | None:
    beats = Instance.objects.filter(kind=InstanceKind.BEAT)
    latest: datetime | None = beats.aggregate(at=Max("heartbeat_at"))["at"]
    return latest


def _instances(now: datetime) -> dict[str, int]:
    alive = Instance.objects.alive(now).order_by().values_list("kind").annotate(n=Count("pk"))
    return {str(kind): 0 for kind in InstanceKind} | dict(alive)


def _jobs() -> dict[str, int]:
    counted: dict[str, int] = Job.objects.existing().aggregate(
        enabled=Count("pk", filter=Q(is_enabled=True)),
        disabled=Count("pk", filter=Q(is_enabled=False)),
        paused=Count("pk", filter=Q(is_enabled=True, paused_at__isnull=False)),
        invalid=Count("pk", filter=Q(is_enabled=True) & ~Q(invalid_reason="")),
        flagged=Count("pk", filter=~Q(flagged_reason="")),
    )
    return counted


def _deliveries() -> dict[str, int]:
    waiting = Delivery.objects.filter(next_at__isnull=False)
    found = waiting.order_by().values_list("state").annotate(n=Count("pk"))
    open_states = (DeliveryState.GATHERING, DeliveryState.PENDING)
    return {str(state): 0 for state in open_states} | dict(found)
