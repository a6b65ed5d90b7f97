"""Which ends of runs another job was to follow, and whether it did."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from schedules.models import Dependency, Job, Run
from schedules.states import FINAL, NEVER_RAN, After, Origin, RunState

BOTH_WAYS = timedelta(seconds=10)
"""An end so close to the beginning or end of a dependency may or may not be followed: the two were
committed side by side.
"""

STATES: dict[str, frozenset[RunState]] = {
    After.SUCCEEDED: frozenset({RunState.SUCCEEDED}),
    After.FAILED: FINAL - NEVER_RAN - {RunState.SUCCEEDED},
    After.ENDED: FINAL - NEVER_RAN,
}
"""The outcomes that each kind of dependency waits for."""


def ends_to_follow(job: Job, *, after: datetime, until: datetime) -> QuerySet[Run]:
    """Return the runs of other jobs in (`after`, `until`], by their nominal times, after which
    `job` was to run once.
    """
    return _ends(job, after=after, until=until, margin=BOTH_WAYS)


def not_followed(job: Job, *, after: datetime, until: datetime) -> QuerySet[Run]:
    """Return those of them after which it has no run."""
    own = _runs_after_others(job).filter(parent_id=OuterRef("task_id"))
    return ends_to_follow(job, after=after, until=until).exclude(Exists(own))


def following_nothing(job: Job, *, after: datetime, until: datetime) -> QuerySet[Run]:
    """Return the runs of `job` in (`after`, `until`] that follow no end that it waits for.

    Where history was deleted, what a run followed is not known any more, and it counts as right.
    """
    ends = _ends(job, after=after, until=until, margin=-BOTH_WAYS)
    others = Run.objects.filter(task_id=OuterRef("parent_id"))
    return (
        _in_span(_runs_after_others(job), after, until)
        .filter(Exists(others))
        .exclude(Exists(ends.filter(task_id=OuterRef("parent_id"))))
    )


def unfinished_after_others(job: Job, *, after: datetime, until: datetime) -> QuerySet[Run]:
    """Return the runs of `job` after others in (`after`, `until`] that have no outcome."""
    return _in_span(_runs_after_others(job), after, until).exclude(state__in=FINAL)


def _ends(job: Job, *, after: datetime, until: datetime, margin: timedelta) -> QuerySet[Run]:
    wanted = Q(pk__in=[])
    for each in Dependency.objects.filter(job=job):
        wanted |= Q(
            job_id=each.upstream_id,
            state__in=STATES[each.on],
            finished_at__gte=each.since + margin,
            **({} if each.until is None else {"finished_at__lte": each.until - margin}),
        )
    return _in_span(Run.objects.filter(wanted), after, until)


def _runs_after_others(job: Job) -> QuerySet[Run]:
    return Run.objects.filter(job=job, origin=Origin.DEPENDENCY)


def _in_span(runs: QuerySet[Run], after: datetime, until: datetime) -> QuerySet[Run]:
    return runs.filter(scheduled_at__gt=after, scheduled_at__lte=until)
