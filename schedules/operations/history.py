"""The history of runs, a page at a time: by page number, or by a cursor, which stays fast."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Q

from schedules.errors import InvalidInput
from schedules.models import Job, Run
from schedules.querysets.runs import RunQuerySet
from schedules.states import RunState

MOST_PER_PAGE = 100
DEEPEST_ROW = 100_000
"""Pages by number count their way through the rows; beyond this only a cursor is taken."""

MOST_COUNTED = 10_000
"""PostgreSQL counts row by row; beyond this its own estimate is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """Some runs, newest first, and how many there are in all."""

    runs: Sequence[Run]
    total: int
    is_exact: bool
    """False where `total` is an estimate of the database."""
    cursor: str | None
    """Where the next page begins; None after the last one."""


def history(
    *,
    page: int = 1,
    per_page: int = 20,
    cursor: str | None = None,
    job: Job | None = None,
    states: Iterable[RunState] | None = None,
) -> HistoryPage:
    """Return one page of the runs of jobs, or of one job, newest nominal time first.

    Two statements, whatever the page. With a `cursor` the page number is not looked at. Raises
    InvalidInput for a cursor that was not made here and for a page too deep to count to.
    """
    runs = Run.objects.filter(job__isnull=False) if job is None else Run.objects.filter(job=job)
    wanted = sorted(states or ())
    if wanted:
        runs = runs.filter(state__in=wanted)
    total, is_exact = _count(runs)
    start = (page - 1) * per_page
    ordered = runs.order_by("-scheduled_at", "-id")
    if cursor is not None:
        ordered, start = ordered.filter(after_cursor(cursor)), 0
    elif start + per_page > DEEPEST_ROW:
        accepted = f"a page within the newest {DEEPEST_ROW} runs; go on from there with cursor"
        raise InvalidInput("page", page, accepted)
    found = list(_newest(ordered, wanted, end=start + per_page + 1)[start:])
    rows = found[:per_page]
    following = cursor_of(rows[-1]) if len(found) > per_page else None
    return HistoryPage(runs=rows, total=total, is_exact=is_exact, cursor=following)


def _newest(runs: RunQuerySet, states: Sequence[RunState], *, end: int) -> RunQuerySet:
    """Return the first `end` of the ordered runs.

    The index by state is in order for one state at a time: of several, each gives its newest.
    """
    if len(states) < 2 or not connection.features.supports_slicing_ordering_in_compound:
        return runs[:end]
    first, *others = (runs.filter(state=state)[:end] for state in states)
    return first.union(*others, all=True).order_by("-scheduled_at", "-id")[:end]


def _count(runs: RunQuerySet) -> tuple[int, bool]:
    if connection.vendor != "postgresql":
        return runs.count(), True
    counted = runs.order_by()[: MOST_COUNTED + 1].values("pk").count()
    if counted <= MOST_COUNTED:
        return counted, True
    plan = json.loads(runs.order_by().values("pk").explain(format="json"))
    return max(counted, int(plan[0]["Plan"]["Plan Rows"])), False


def cursor_of(run: Run) -> str:
    """Return where the page after the run begins."""
    text = f"{run.scheduled_at.isoformat()} {run.pk}"
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def after_cursor(cursor: str) -> Q:
    """Return the rows that come later in the list than the one the cursor was made from.

    Raises InvalidInput for a cursor that was not made here.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        instant, _, number = urlsafe_b64decode(padded.encode("ascii")).decode().partition(" ")
        scheduled_at, key = datetime.fromisoformat(instant), int(number)
        is_ours = scheduled_at.tzinfo is not None and 0 <= key < 2**63
    except (ValueError, OverflowError):
        is_ours = False
    if not is_ours:
        raise InvalidInput("cursor", cursor, "the nextCursor of a page before, unchanged")
    # The first condition is implied by the second; it is what the index can begin at.
    return Q(scheduled_at__lte=scheduled_at) & (
        Q(scheduled_at__lt=scheduled_at) | Q(scheduled_at=scheduled_at, pk__lt=key)
    )
