"""Letting a job run after others, and ending that."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import QuerySet

from schedules.access import Source, record
from schedules.dispatch.upcoming import flag_of
from schedules.errors import InvalidInput, JobDeleted
from schedules.models import Dependency, Job
from schedules.operations.locks import hold
from schedules.states import After

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    Actor = AbstractBaseUser | AnonymousUser | str

LOCK = "dependencies"
"""Row by which two changes at once wait for each other, or they could close a circle together."""


@transaction.atomic
def add_dependency(
    job: Job,
    upstream: Job,
    *,
    on: After,
    by: "Actor",
    source: Source,
    now: datetime,
    reason: str = "",
) -> Dependency:
    """Let `job` run once after each run of `upstream` that ends as `on` says, from `now` on.

    What was said before about the two is replaced; said again, nothing is written. Raises
    JobDeleted, and InvalidInput about `upstream` for a circle.
    """
    lock_dependencies(now=now)
    check_dependency(job, upstream)
    present = dependencies_of(job).filter(upstream=upstream).first()
    if present is not None and present.on == on:
        return present
    added = _link(job, upstream, on=on, instead_of=present, now=now)
    refresh_flag(job)
    record(
        "depend",
        subject=f"job:{job.key}",
        actor=by,
        source=source,
        now=now,
        before=None if present is None else _words(present),
        after=_words(added),
        reason=reason,
    )
    return added


def set_dependencies(job: Job, wanted: Iterable[tuple[Job, After]], *, now: datetime) -> None:
    """Let `job` run after the wanted jobs and no others, from `now` on.

    For the verbs that make and change a job: they record it, with the rest of what they do. The
    caller has called `lock_dependencies`. Raises what `add_dependency` raises.
    """
    present = {one.upstream_id: one for one in dependencies_of(job)}
    for upstream, on in wanted:
        check_dependency(job, upstream)
        before = present.pop(upstream.pk, None)
        if before is None or before.on != on:
            _link(job, upstream, on=on, instead_of=before, now=now)
    _end(present.values(), now=now)
    refresh_flag(job)


@transaction.atomic
def remove_dependency(
    job: Job, upstream: Job, *, by: "Actor", source: Source, now: datetime, reason: str = ""
) -> bool:
    """Let `job` run after `upstream` no more; False if it did not anyway."""
    lock_dependencies(now=now)
    present = dependencies_of(job).filter(upstream=upstream).first()
    if present is None:
        return False
    _end([present], now=now)
    refresh_flag(job)
    record(
        "undepend",
        subject=f"job:{job.key}",
        actor=by,
        source=source,
        now=now,
        before=_words(present),
        reason=reason,
    )
    return True


def end_dependencies(job: Job, *, now: datetime) -> list[str]:
    """End all that the job waits for and all that waits for it, since it is being deleted; return
    the keys of those that waited. The caller records it.
    """
    _end(dependencies_of(job), now=now)
    waiting = list(dependents_of(job))
    _end(waiting, now=now)
    for dependency in waiting:
        refresh_flag(dependency.job)
    return [dependency.job.key for dependency in waiting]


def check_dependency(job: Job, upstream: Job) -> None:
    """Raise InvalidInput where the two would wait for each other, JobDeleted for a deleted one."""
    for each in (job, upstream):
        if not each.is_active:
            raise JobDeleted(each.key)
    path = _path(from_=upstream.pk, to=job.pk)
    if path is not None:
        keys = dict(Job.objects.filter(pk__in=path).values_list("pk", "key"))
        if len(path) == 1:
            accepted = "another job than the one that is to run after it"
        else:
            chain = " after ".join(repr(keys[pk]) for pk in path)
            accepted = f"a job that does not wait for {job.key!r} itself ({chain})"
        raise InvalidInput("upstream", upstream.key, accepted)


def dependencies_of(job: Job) -> QuerySet[Dependency]:
    """Return what the job runs after."""
    present = Dependency.objects.filter(job=job, until__isnull=True)
    return present.select_related("job", "upstream").order_by("upstream__key")


def dependents_of(job: Job) -> QuerySet[Dependency]:
    """Return what runs after the job."""
    present = Dependency.objects.filter(upstream=job, until__isnull=True)
    return present.select_related("job", "upstream").order_by("job__key")


def lock_dependencies(*, now: datetime) -> None:
    """Wait until nobody else changes what waits for what; before any job's row is locked."""
    hold(LOCK, now=now)


def _path(*, from_: int, to: int) -> list[int] | None:
    """Return the jobs by which `from_` waits for `to`, both included; None if it does not."""
    waits_for: dict[int, list[int]] = {}
    edges = Dependency.objects.filter(until__isnull=True).values_list("job_id", "upstream_id")
    for waiting, upstream in edges:
        waits_for.setdefault(waiting, []).append(upstream)
    paths, seen = [[from_]], {from_}
    while paths:
        path = paths.pop()
        if path[-1] == to:
            return path
        for upstream in waits_for.get(path[-1], []):
            if upstream not in seen:
                seen.add(upstream)
                paths.append([*path, upstream])
    return None


def _link(
    job: Job, upstream: Job, *, on: After, instead_of: Dependency | None, now: datetime
) -> Dependency:
    if instead_of is not None:
        _end([instead_of], now=now)
    return Dependency.objects.create(job=job, upstream=upstream, on=on, since=now)


def _end(dependencies: Iterable[Dependency], *, now: datetime) -> None:
    numbers = [dependency.pk for dependency in dependencies]
    Dependency.objects.filter(pk__in=numbers, until__isnull=True).update(until=now)


def refresh_flag(job: Job) -> None:
    """A job without a timetable of its own is in order as long as it runs after another."""
    job.flagged_reason = flag_of(Job.objects.get(pk=job.pk))
    Job.objects.filter(pk=job.pk).update(flagged_reason=job.flagged_reason)


def words_of(job: Job) -> list[dict[str, str]]:
    """Return what the job runs after, as the record says it."""
    return [_words(dependency) for dependency in dependencies_of(job)]


def _words(dependency: Dependency) -> dict[str, str]:
    return {"after": dependency.upstream.key, "when": str(dependency.on)}
