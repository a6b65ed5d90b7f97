"""What was measured: figures of several turns, their median and spread, goals, text and JSON."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

MET, NOT_MET, NOT_JUDGED = "met", "not met", "not judged"


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound that a figure has to keep."""

    bound: float
    at_least: bool

    def is_met(self, value: float) -> bool:
        """Whether the value keeps it."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'at least' if self.at_least else 'at most'} {number(self.bound)}"


def at_least(bound: float) -> Goal:
    """Return the goal of `bound` or more."""
    return Goal(bound, at_least=True)


def at_most(bound: float) -> Goal:
    """Return the goal of `bound` or less."""
    return Goal(bound, at_least=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One thing that was measured, once in each turn.

    `judged` is False where the sizes are not those that the goal speaks of.
    """

    name: str
    values: Sequence[float]
    unit: str
    goal: Goal | None = None
    judged: bool = True
    note: str = ""
    """Why there is no value, or what a reader must know."""

    @property
    def median(self) -> float | None:
        """The middle value; None without any."""
        return statistics.median(self.values) if self.values else None

    @property
    def verdict(self) -> str:
        """`met`, `not met` or `not judged`; empty without a goal."""
        if self.goal is None:
            return ""
        if self.median is None or not self.judged:
            return NOT_JUDGED
        return MET if self.goal.is_met(self.median) else NOT_MET

    def as_json(self) -> dict[str, Any]:
        """Everything, numbers as they were measured."""
        return {
            "name": self.name,
            "unit": self.unit,
            "median": self.median,
            "least": min(self.values, default=None),
            "most": max(self.values, default=None),
            "values": list(self.values),
            "goal": None if self.goal is None else str(self.goal),
            "bound": None if self.goal is None else self.goal.bound,
            "at_least": None if self.goal is None else self.goal.at_least,
            "judged": self.judged,
            "verdict": self.verdict,
            "note": self.note,
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        """Return what `as_json` was made of."""
        bound = given["bound"]
        return cls(
            name=given["name"],
            values=given["values"],
            unit=given["unit"],
            goal=None if bound is None else Goal(bound, at_least=given["at_least"]),
            judged=given["judged"],
            note=given["note"],
        )


@dataclass(slots=True, kw_only=True)
class Section:
    """One work: its figures and the pieces of text that belong to it, or why it has none."""

    name: str
    title: str
    figures: list[Figure] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    error: str = ""
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The section as JSON values."""
        return {
            "work": self.name,
            "title": self.title,
            "figures": [figure.as_json() for figure in self.figures],
            "texts": self.texts,
            "error": self.error,
            "seconds": round(self.seconds, 1),
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        """Return what `as_json` was made of."""
        return cls(
            name=given["work"],
            title=given["title"],
            figures=[Figure.from_json(figure) for figure in given["figures"]],
            texts=list(given["texts"]),
            error=given["error"],
            seconds=given["seconds"],
        )


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Return above/below turn by turn: what a ratio compares has met the same machine.

    Turns that only one of them has had are left out, and so are those without a divisor.
    """
    return [a / b for a, b in zip(above, below, strict=False) if b]


def document(machine: dict[str, Any], sections: Sequence[Section]) -> dict[str, Any]:
    """Return the report as one JSON document."""
    verdicts = [figure.verdict for section in sections for figure in section.figures]
    return {
        "machine": machine,
        "works": [section.as_json() for section in sections],
        "goals": {verdict: verdicts.count(verdict) for verdict in (MET, NOT_MET, NOT_JUDGED)},
    }


def text(machine: dict[str, Any], sections: Sequence[Section]) -> str:
    """Return the report for a person."""
    lines = [f"{name}: {value}" for name, value in machine.items()]
    for section in sections:
        lines += ["", f"{section.name}  {section.title}  ({section.seconds:.0f} s)"]
        if section.error:
            lines.append(f"  {section.error}")
        lines += _table(section.figures)
        for piece in section.texts:
            lines += ["", *(f"  {line}" for line in piece.splitlines())]
    return "\n".join(lines)


def _table(figures: Sequence[Figure]) -> list[str]:
    rows = [_row(figure) for figure in figures]
    if not rows:
        return []
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [("  " + "  ".join(map(str.ljust, row, widths))).rstrip() for row in rows]


def _row(figure: Figure) -> tuple[str, ...]:
    value = "-" if figure.median is None else f"{number(figure.median)} {figure.unit}"
    spread = ""
    if len(figure.values) > 1:
        spread = f"({number(min(figure.values))} to {number(max(figure.values))})"
    goal = "" if figure.goal is None else f"goal: {figure.goal} {figure.unit}: {figure.verdict}"
    return figure.name, value, spread, goal, figure.note


def number(value: float) -> str:
    """Return a number with three significant digits, thousands apart."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
