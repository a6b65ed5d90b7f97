"""The JSON of what is to come, in one place for CLI and API: occurrences and previews."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from schedules.models import Job, OccurrenceChange
from schedules.operations.foresight import Overlaps, Rush
from schedules.operations.preview import Comparison, Preview
from schedules.operations.upcoming import next_of, zone_of
from schedules.operations.wording import describe, iso, mark_words
from schedules.timing import ClockMark


def marked_shapes(
    occurrences: Iterable[tuple[datetime, ClockMark | None]], *, zone: str
) -> list[dict[str, Any]]:
    """Return occurrences in UTC and on the clock of the zone, with their marks in words."""
    there = ZoneInfo(zone)
    return [
        {
            "at": iso(at),
            "local": at.astimezone(there).isoformat(),
            "mark": mark_words(mark) if mark else None,
        }
        for at, mark in occurrences
    ]


def next_shapes(job: Job, *, now: datetime, count: int) -> list[dict[str, Any]]:
    """Return the job's next occurrences as `marked_shapes` does, with what a person has said about
    them.
    """
    found = next_of(job, now=now, count=count)
    shapes = marked_shapes(((one.at, one.mark) for one in found), zone=zone_of(job))
    said = [None if one.change is None else change_shape(one.change) for one in found]
    return [
        {**shape, "isPaused": one.is_paused, "change": change}
        for shape, one, change in zip(shapes, found, said, strict=True)
    ]


def change_shape(change: OccurrenceChange) -> dict[str, Any]:
    """Return what was said about one occurrence; of arguments only that they are others."""
    return {
        "scheduledAt": iso(change.scheduled_at),
        "isSkipped": change.is_skipped,
        "movedTo": _instant(change.moved_to),
        "hasOtherArguments": change.args is not None or change.kwargs is not None,
        "by": change.by,
        "reason": change.reason,
        "madeAt": iso(change.made_at),
        "state": str(change.state),
    }


def preview_shape(preview: Preview) -> dict[str, Any]:
    """Return what an edit would do."""
    return {
        "timetable": describe(preview.timetable),
        "timezone": preview.zone,
        "isEnabled": preview.is_enabled,
        "occurrences": marked_shapes(preview.occurrences, zone=preview.zone),
        "firstRunAt": _instant(preview.first_run_at),
        "clockChanges": _instants(preview.clock_changes),
        "difference": None if preview.comparison is None else _comparison(preview.comparison),
        "overlaps": None if preview.overlaps is None else _overlaps(preview.overlaps),
        "busiestMinute": {
            "before": _rush(preview.rush_before),
            "after": _rush(preview.rush_after),
        },
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    found = comparison.difference
    return {
        "spans": [{"begin": iso(span.begin), "end": iso(span.end)} for span in comparison.spans],
        "comparedUntil": _instant(comparison.until),
        "kept": found.kept,
        "added": _instants(found.added),
        "removed": _instants(found.removed),
        "moved": [{"before": iso(before), "after": iso(after)} for before, after in found.moved],
    }


def _overlaps(overlaps: Overlaps) -> dict[str, Any]:
    return {
        "p95Ms": overlaps.p95 // timedelta(milliseconds=1),
        "number": overlaps.number,
        "first": _instant(overlaps.first),
    }


def _rush(rush: Rush) -> dict[str, Any]:
    return {"at": _instant(rush.at), "number": rush.number, "isAtLeast": rush.is_cut}


def _instants(instants: Sequence[datetime]) -> list[str]:
    return [iso(instant) for instant in instants]


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else iso(instant)
