"""What a chaos run prints: lines for a person, or one JSON document."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from chaos.comparison import Column
from chaos.judgement import Judgement
from chaos.measures import Spread


def bound(faults: int) -> str:
    """Say what no violation in so many faults proves, by the rule of three."""
    if not faults:
        return "no faults, so nothing is shown"
    return f"none in {faults} faults: 95 % bound {3 / faults:.2%} of faults (3/{faults})"


def lines(judgement: Judgement) -> Iterator[str]:
    """Yield the lines for a person."""
    yield f"faults            {judgement.faults}"
    for kind, figures in judgement.kinds.items():
        yield f"  {figures['faults']:>4}  {kind}"
        yield f"        lateness  {figures['lateness']}"
        yield f"        recovery  {figures['recovery']}"
    yield f"occurrences       {judgement.occurrences} checked, {judgement.calls} calls"
    yield f"rows              {judgement.rows}: {_counts(judgement.states)}"
    yield f"tries             {_counts(judgement.attempts)}"
    yield f"sent again        {judgement.sent_again}"
    yield f"fenced off        {judgement.superseded} commits"
    yield f"lateness, quiet   {judgement.quiet_lateness}"
    yield f"recovery          {judgement.recovery}, from the last fault of each burst"
    if judgement.violations:
        yield "violations"
        for violation in judgement.violations:
            yield f"  {violation}"
    else:
        yield f"violations        {bound(judgement.faults)}"


def side_by_side(columns: Mapping[str, Column]) -> Iterator[str]:
    """Yield the lines of a comparison; none for no columns."""
    if not columns:
        return
    figures = [column.lines() for column in columns.values()]
    width = max(len(name) for name, _ in figures[0])
    gap = 2 + max(len(value) for value in (*columns, *(value for _, value in figures[0])))
    yield ""
    yield " " * (width + 2) + "".join(f"{name:<{gap}}" for name in columns).rstrip()
    for rows in zip(*figures, strict=True):
        values = "".join(f"{value:<{gap}}" for _, value in rows).rstrip()
        yield f"{rows[0][0]:<{width + 2}}{values}"


def document(judgement: Judgement, columns: Mapping[str, Column]) -> dict[str, Any]:
    """Return the same as JSON values."""
    facts = {
        name: getattr(judgement, name)
        for name in ("faults", "occurrences", "calls", "rows", "states", "attempts")
    }
    kinds = {
        kind: {
            name: asdict(value) if isinstance(value, Spread) else value
            for name, value in figures.items()
        }
        for kind, figures in judgement.kinds.items()
    }
    return {
        **facts,
        "sent_again": judgement.sent_again,
        "fenced_commits": judgement.superseded,
        "lateness_quiet_seconds": asdict(judgement.quiet_lateness),
        "recovery_seconds": asdict(judgement.recovery),
        "kinds": kinds,
        "violations": [
            {
                "promise": one.promise,
                "what": one.what,
                "count": len(one.cases),
                "cases": one.cases[:10],
            }
            for one in judgement.violations
        ],
        "comparison": {name: asdict(column) for name, column in columns.items()},
        "ok": not judgement.violations,
    }


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
