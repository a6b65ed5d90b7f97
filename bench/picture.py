"""The README's picture of the measurements: ratios as bars on a logarithmic scale, plain SVG."""

import math
from collections.abc import Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape

from bench.report import MET, NOT_MET, Figure, Section, number

WIDTH, ROW, TOP, LEFT, RIGHT = 860, 24, 56, 400, 90
SMALLEST, LARGEST = 0.1, 1000.0
COLOURS = {MET: "#2f8f4e", NOT_MET: "#b3541e"}
PLAIN = "#5b7a99"
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#222}.note{fill:#666}.axis{stroke:#ccc}"
    ".goal{stroke:#222;stroke-width:2}"
    "@media(prefers-color-scheme:dark){svg{background:#16181b}text{fill:#ddd}.note{fill:#999}"
    ".axis{stroke:#3a3f45}.goal{stroke:#eee}}"
)


def draw(machine: dict[str, Any], sections: Sequence[Section]) -> str:
    """Return the picture of all ratios that have a value.

    A bar's colour says whether its goal is met; a bar without one is blue. The upright stroke is
    the goal.
    """
    rows = [
        (section.name, figure)
        for section in sections
        for figure in section.figures
        if figure.unit == "x" and figure.median is not None
    ]
    height = TOP + ROW * len(rows) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        f' role="img" aria-label="Ratios measured by ./run bench"><style>{STYLE}</style>',
        _text(12, 22, "Ratios of one run, medians. The stroke is the goal; green: met, brown: not"),
        _text(12, 40, _where(machine), kind="note"),
        *_axis(height),
    ]
    for place, (work, figure) in enumerate(rows):
        parts += _row(work, figure, y=TOP + ROW * place)
    return "\n".join([*parts, "</svg>", ""])


def _row(work: str, figure: Figure, *, y: float) -> Iterator[str]:
    assert figure.median is not None
    colour = COLOURS.get(figure.verdict, PLAIN)
    one, end = _x(1.0), _x(figure.median)
    yield _text(12, y + 16, f"{work}  {figure.name}")
    yield (
        f'<rect x="{min(one, end):.1f}" y="{y + 5}" width="{max(abs(end - one), 1.5):.1f}"'
        f' height="{ROW - 10}" rx="2" fill="{colour}"/>'
    )
    if figure.goal is not None:
        at = _x(figure.goal.bound)
        yield f'<line class="goal" x1="{at:.1f}" x2="{at:.1f}" y1="{y + 2}" y2="{y + ROW - 2}"/>'
    said = f"{number(figure.median)}x"
    yield _text(WIDTH - RIGHT + 12, y + 16, f"{said} {_sign(figure)}".strip())


def _sign(figure: Figure) -> str:
    return {MET: "✓", NOT_MET: "✗"}.get(figure.verdict, "")


def _axis(height: float) -> Iterator[str]:
    for power in range(round(math.log10(SMALLEST)), round(math.log10(LARGEST)) + 1):
        x, label = _x(10.0**power), number(10.0**power)
        yield (
            f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{height - 30}"/>'
            f'<text class="note" x="{x:.1f}" y="{height - 14}" text-anchor="middle">{label}x</text>'
        )


def _x(value: float) -> float:
    """Return where a ratio lies; what is off the scale lies at its end."""
    span = math.log10(LARGEST / SMALLEST)
    kept = min(max(value, SMALLEST), LARGEST)
    return LEFT + (WIDTH - RIGHT - LEFT) * math.log10(kept / SMALLEST) / span


def _where(machine: dict[str, Any]) -> str:
    names = ("machine", "python", "database")
    said = ", ".join(str(machine[name]) for name in names if name in machine)
    return said + (
        " · quick: small sizes" if str(machine.get("quick", "")).startswith("yes") else ""
    )


def _text(x: float, y: float, words: str, *, kind: str = "") -> str:
    which = f' class="{kind}"' if kind else ""
    return f'<text{which} x="{x:g}" y="{y:g}">{escape(words)}</text>'
