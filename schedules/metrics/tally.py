"""Counting the runs that have ended since somebody last looked."""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import QuerySet

from schedules.models import Run, Tally, Watermark

WATERMARK = "metrics"
LAG = timedelta(seconds=10)
"""An end counts once it is this old: by then it is committed, so none is passed over."""

CHUNK = 10_000
MOST_TIME = timedelta(seconds=2)
"""How long one look counts at most; after a long silence the next ones go on."""

BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Seconds of lateness that the histogram tells apart."""

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Key(NamedTuple):
    """What a tally counts."""

    metric: str
    job_key: str = ""
    label: str = ""


COLUMNS = (
    *("job_key", "task", "state", "count", "attempt", "sends"),
    *("due_at", "started_at", "finished_at"),
)


class Ended(NamedTuple):
    """What counting needs of a run."""

    job_key: str
    task: str
    state: str
    occurrences: int
    attempt: int
    sends: int
    due_at: datetime
    started_at: datetime | None
    finished_at: datetime


def count_ended(*, now: datetime) -> datetime:
    """Add what has ended to the tallies; return the instant up to which everything is counted.

    Costs grow with what has ended since the last look. Of several processes that look at once, one
    counts.
    """
    give_up = time.monotonic() + MOST_TIME.total_seconds()
    mark, _ = Watermark.objects.get_or_create(name=WATERMARK, defaults={"at": BEGINNING})
    counted = mark.at
    while _is_any(counted, now - LAG) and time.monotonic() < give_up:
        reached = _count_chunk(until=now - LAG)
        if reached is None:
            break
        counted = reached
    return counted


def add_up(runs: Sequence[Ended]) -> Counter[Key]:
    """Return what the runs add to the tallies."""
    sums: Counter[Key] = Counter()
    for run in runs:
        name = run.job_key or run.task
        sums[Key("runs", name, run.state)] += run.occurrences
        sums[Key("claims")] += run.attempt
        sums[Key("resends")] += max(run.sends - 1, 0)
        if run.started_at is None:
            continue
        late = max((run.started_at - run.due_at).total_seconds(), 0.0)
        place = bisect_left(BOUNDS, late)
        sums[Key("late", label=str(BOUNDS[place]) if place < len(BOUNDS) else "+Inf")] += 1
        sums[Key("late_sum")] += late  # type: ignore[assignment]  # a Counter of floats as well
        took = (run.finished_at - run.started_at).total_seconds()
        sums[Key("timed", name)] += 1
        sums[Key("seconds", name)] += took  # type: ignore[assignment]
    return sums


def _is_any(after: datetime, until: datetime) -> bool:
    return Run.objects.filter(finished_at__gt=after, finished_at__lte=until).exists()


@transaction.atomic
def _count_chunk(*, until: datetime) -> datetime | None:
    """Count one chunk and move the mark; None if another process is counting."""
    marks = Watermark.objects.filter(name=WATERMARK)
    if connection.features.has_select_for_update_skip_locked:
        marks = marks.select_for_update(skip_locked=True)
    mark = marks.first()
    if mark is None:
        return None
    ended = Run.objects.filter(finished_at__gt=mark.at, finished_at__lte=until)
    runs = _read(ended.order_by("finished_at")[:CHUNK])
    if len(runs) == CHUNK:
        # What ended at the same instant belongs together: the mark is an instant.
        last = runs[-1].finished_at
        runs = [run for run in runs if run.finished_at < last]
        runs += _read(ended.filter(finished_at=last))
    if not runs:
        return mark.at
    _write(add_up(runs))
    mark.at = runs[-1].finished_at
    mark.save(update_fields=["at"])
    return mark.at


def _read(runs: QuerySet[Run]) -> list[Ended]:
    return [Ended(*row) for row in runs.values_list(*COLUMNS)]


def _write(sums: Counter[Key]) -> None:
    """Add to the rows there are, make those that are missing. The caller holds the mark."""
    names = sorted({key.job_key for key in sums})
    known = {
        Key(row.metric, row.job_key, row.label): row
        for start in range(0, len(names), CHUNK)
        for row in Tally.objects.filter(job_key__in=names[start : start + CHUNK])
    }
    changed = []
    for key, value in sums.items():
        row = known.get(key)
        if row is not None and value:
            row.value += value
            changed.append(row)
    Tally.objects.bulk_update(changed, ["value"], batch_size=500)
    Tally.objects.bulk_create(
        [Tally(**key._asdict(), value=value) for key, value in sums.items() if key not in known],
        batch_size=1000,
    )
