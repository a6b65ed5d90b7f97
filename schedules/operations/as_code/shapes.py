"""A plan as JSON, for CLI and API."""

from typing import Any

from schedules.operations.as_code.plan import Change, Difference, Plan
from schedules.operations.preview import Comparison
from schedules.operations.wording import iso

MOST_NAMED = 5
"""Occurrences of each kind that an effect names."""


def plan_shape(plan: Plan) -> dict[str, Any]:
    """Return what a file would change, or has changed."""
    return {
        "pending": plan.pending,
        "unchanged": plan.unchanged,
        "items": [_change(change) for change in plan.changes],
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "jobKey": change.key,
        "action": str(change.action),
        "changes": [_difference(each) for each in change.differences],
        "overrides": [_difference(each) for each in change.overrides],
        "effect": None if change.effect is None else _effect(change.effect),
    }


def _difference(each: Difference) -> dict[str, Any]:
    return {
        "field": each.name,
        "database": each.database,
        "file": each.file,
        "applied": each.applied,
        "isConflict": each.is_conflict,
    }


def _effect(effect: Comparison) -> dict[str, Any]:
    found = effect.difference
    return {
        "added": len(found.added),
        "removed": len(found.removed),
        "moved": len(found.moved),
        "kept": found.kept,
        "firstAdded": [iso(at) for at in found.added[:MOST_NAMED]],
        "firstRemoved": [iso(at) for at in found.removed[:MOST_NAMED]],
        "firstMoved": [
            {"before": iso(before), "after": iso(after)}
            for before, after in found.moved[:MOST_NAMED]
        ],
        "spans": [{"begin": iso(span.begin), "end": iso(span.end)} for span in effect.spans],
        "comparedUntil": None if effect.until is None else iso(effect.until),
    }
