"""Finding runs: by what they are, when and where they ran, and what was said about them.

A filter that no index helps with looks through a limited number of rows and then says how far it
has come, so that no question reads the whole log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from schedules.models import Job, Run
from schedules.operations.history import after_cursor, cursor_of
from schedules.querysets.runs import RunQuerySet
from schedules.states import Origin, RunState

MOST_SEARCHED = 20_000
"""Rows that a filter without an index looks through for one page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for; everything is optional, and all of it must be so."""

    states: Sequence[RunState] = ()
    job: Job | None = None
    origin: Origin | None = None
    instance_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    """Part of a key, subject or task, or of the reason; or exactly an execution id."""
    is_in_errors: bool = False
    """Whether the text is looked for in what bodies raised, too."""
    is_dismissed: bool | None = None
    is_suspect: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Some runs, newest first."""

    runs: list[Run]
    cursor: str | None
    """Where the next page begins; None where there is nothing further."""
    searched_to: datetime | None = None
    """How far back a search has come that did not come to the end; it goes on at `cursor`."""


def find_runs(wanted: Wanted, *, limit: int, cursor: str | None = None) -> Found:
    """Return the newest runs that fit, from the cursor on. Two statements at most for each state.

    The index by state is in order for one state at a time: of several, each gives its newest.

    Raises InvalidInput for a cursor that was not made here.
    """
    if (exact := _as_uuid(wanted.text)) is not None:
        return Found(runs=list(Run.objects.filter(task_id=exact)), cursor=None)
    parts = [
        _search(_indexed(wanted, state), _unindexed(wanted), limit=limit, cursor=cursor)
        for state in wanted.states or (None,)
    ]
    ends = [end for _, end in parts if end is not None]
    end = max(ends, key=_place, default=None)
    found = sorted((run for runs, _ in parts for run in runs), key=_place, reverse=True)
    if end is not None:  # beyond it not every part was searched
        found = [run for run in found if _place(run) >= _place(end)]
    rows = found[:limit]
    if len(found) > limit:
        return Found(runs=rows, cursor=cursor_of(rows[-1]))
    if end is not None:
        return Found(runs=rows, cursor=cursor_of(end), searched_to=end.scheduled_at)
    return Found(runs=rows, cursor=None)


def _search(
    runs: RunQuerySet, beside: Q | None, *, limit: int, cursor: str | None
) -> tuple[list[Run], Run | None]:
    """Return the newest runs, one more than the limit, and where the search was broken off."""
    runs = runs.order_by("-scheduled_at", "-id")
    if cursor is not None:
        runs = runs.filter(after_cursor(cursor))
    if beside is None:
        return list(runs[: limit + 1]), None
    stretch = runs.select_related(None).only("pk", "scheduled_at")[
        MOST_SEARCHED - 1 : MOST_SEARCHED
    ]
    last = next(iter(stretch), None)
    if last is not None:
        same_instant = Q(scheduled_at=last.scheduled_at, pk__gte=last.pk)
        runs = runs.filter(
            Q(scheduled_at__gt=last.scheduled_at) | same_instant,
            scheduled_at__gte=last.scheduled_at,  # implied; it is what the index can end at
        )
    return list(runs.filter(beside)[: limit + 1]), last


def _place(run: Run) -> tuple[datetime, int]:
    return run.scheduled_at, run.pk


def _indexed(wanted: Wanted, state: RunState | None) -> RunQuerySet:
    runs = Run.objects.select_related("job")
    if wanted.job is not None:
        runs = runs.filter(job=wanted.job)
    if state is not None:
        runs = runs.filter(state=state)
    if wanted.since is not None:
        runs = runs.filter(scheduled_at__gte=wanted.since)
    if wanted.until is not None:
        runs = runs.filter(scheduled_at__lte=wanted.until)
    return runs


def _unindexed(wanted: Wanted) -> Q | None:
    """Return the conditions that no index helps with."""
    beside = Q()
    if wanted.origin is not None:
        beside &= Q(origin=wanted.origin)
    if wanted.instance_id is not None:
        beside &= Q(instance_id=wanted.instance_id)
    if wanted.is_dismissed is not None:
        beside &= Q(dismissed_at__isnull=not wanted.is_dismissed)
    if wanted.is_suspect is not None:
        beside &= ~Q(suspect_reason="") if wanted.is_suspect else Q(suspect_reason="")
    if wanted.text:
        text = (
            Q(job_key__icontains=wanted.text)
            | Q(natural_key__icontains=wanted.text)
            | Q(task__icontains=wanted.text)
            | Q(reason__icontains=wanted.text)
        )
        if wanted.is_in_errors:
            text |= Q(error__icontains=wanted.text)
        beside &= text
    return beside or None


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None
