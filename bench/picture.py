"""The README's picture of the measurements: ratios as bars on a logarithmic scale, plain SVG."""

import math
from collections.abc import Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape

from bench.report import MET, NOT_MET, Figure, Section, number

WIDTH, ROW, TOP, LEFT, RIGHT = 860, 24, 56, 400, 140
SMALLEST, LARGEST = 0.1, 1000.0
COLOURS = {MET: "#2f8f4e", NOT_MET: "#b3541e"}
PLAIN = "#5b7a99"
STYLE = (
    "svg{background:#fff}text{font:12px system-ui,sans-serif;fill:#222}.note{fill:#666}"
    ".work{font-weight:600}.axis{stroke:#ddd}.one{stroke:#999}"
    ".goal{stroke:#222;stroke-width:2}"
    "@media(prefers-color-scheme:dark){svg{background:#16181b}text{fill:#ddd}.note{fill:#999}"
    ".axis{stroke:#30353b}.one{stroke:#777}.goal{stroke:#eee}}"
)


def draw(machine: dict[str, Any], sections: Sequence[Section]) -> str:
    """Return the picture of all ratios that have a value.

    Each work's stand below its title. A bar's colour says whether its goal is met; a bar without
    one is blue. The upright stroke is the goal.
    """
    rows: list[tuple[str, Figure | None]] = []
    for section in sections:
        shown = [one for one in section.figures if one.unit == "x" and one.median is not None]
        if shown:
            rows.append((f"{section.name}  {section.title}", None))
            rows += [(figure.name, figure) for figure in shown]
    height = TOP + ROW * len(rows) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        f' role="img" aria-label="Ratios measured by ./run bench"><style>{STYLE}</style>',
        _text(
            12,
            22,
            "Medians of one run. The stroke is the goal; green: met, brown: not, blue: none",
        ),
        _text(12, 40, _where(machine), kind="note"),
        *_axis(height),
    ]
    for place, (words, figure) in enumerate(rows):
        y = TOP + ROW * place
        kind = "" if figure else "work"
        parts.append(_text(24 if figure else 12, y + 16, words, kind=kind))
        parts += _bar(figure, y=y) if figure else []
    return "\n".join([*parts, "</svg>", ""])


def _bar(figure: Figure, *, y: float) -> Iterator[str]:
    assert figure.median is not None
    colour = COLOURS.get(figure.verdict, PLAIN)
    one, end = _x(1.0), _x(figure.median)
    yield (
        f'<rect x="{min(one, end):.1f}" y="{y + 5}" width="{max(abs(end - one), 1.5):.1f}"'
        f' height="{ROW - 10}" rx="2" fill="{colour}"/>'
    )
    if figure.goal is not None:
        at = _x(figure.goal.bound)
        yield f'<line class="goal" x1="{at:.1f}" x2="{at:.1f}" y1="{y + 2}" y2="{y + ROW - 2}"/>'
    said = f"{number(figure.median)}x {_sign(figure)}".strip()
    yield _text(WIDTH - RIGHT + 12, y + 16, said)
    if figure.goal is not None:
        bound = f"{'≥' if figure.goal.at_least else '≤'} {number(figure.goal.bound)}"
        yield _text(WIDTH - 60, y + 16, bound, kind="note")


def _sign(figure: Figure) -> str:
    return {MET: "✓", NOT_MET: "✗"}.get(figure.verdict, "")


def _axis(height: float) -> Iterator[str]:
    for power in range(round(math.log10(SMALLEST)), round(math.log10(LARGEST)) + 1):
        x, label = _x(10.0**power), number(10.0**power)
        kind = "axis" if power else "axis one"
        yield (
            f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{height - 30}"/>'
            f'<text class="note" x="{x:.1f}" y="{height - 14}" text-anchor="middle">{label}x</text>'
        )


def _x(value: float) -> float:
    """Return where a ratio lies; what is off the scale lies at its end."""
    span = math.log10(LARGEST / SMALLEST)
    kept = min(max(value, SMALLEST), LARGEST)
    return LEFT + (WIDTH - RIGHT - LEFT) * math.log10(kept / SMALLEST) / span


def _where(machine: dict[str, Any]) -> str:
    names = {"machine": "", "python": "Python ", "database": "", "broker": ""}
    said = ", ".join(
        f"{before}{machine[name]}" for name, before in names.items() if name in machine
    )
    return said + (
        " · quick: small sizes" if str(machine.get("quick", "")).startswith("yes") else ""
    )


def _text(x: float, y: float, words: str, *, kind: str = "") -> str:
    which = f' class="{kind}"' if kind else ""
    return f'<text{which} x="{x:g}" y="{y:g}">{escape(words)}</text>'
