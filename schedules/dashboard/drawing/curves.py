"""Values over the last runs as a line or dots: how long they took, how late they began."""

from collections.abc import Sequence
from datetime import timedelta

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from schedules.dashboard.drawing.canvas import drawing, line, number, path, rectangle
from schedules.dashboard.words.lengths import length
from schedules.dashboard.words.states import tone_of

WIDTH, HEIGHT = 720.0, 120.0
HIGHEST = 4
"""How many times the 95th percentile the picture's height is at most: one run that was an hour late
must not press all others to the ground. It is a dot at the upper edge.
"""


def scatter(
    values: Sequence[tuple[str, timedelta, str]],
    *,
    title: str,
    p50: timedelta | None,
    p95: timedelta | None,
) -> SafeString:
    """Draw each value as a dot in its run's colour, with lines at the median and at p95.

    `values` are state, value, and what a resting pointer is told; the oldest first.
    """
    highest = max((value for _state, value, _told in values), default=timedelta(0))
    shown = min(highest, HIGHEST * p95) if p95 else highest
    top = max(shown.total_seconds(), 0.001)
    step = WIDTH / max(len(values), 1)
    shapes = [line(0, HEIGHT, WIDTH, HEIGHT, kind="grid")]
    for value, kind in ((p50, "median"), (p95, "p95")):
        if value is not None:
            y = _y(value, top)
            shapes.append(line(0, y, WIDTH, y, kind=f"rule {kind}"))
    size = max(3.0, min(7.0, step * 0.8))
    shapes += [
        rectangle(
            place * step + (step - size) / 2,
            _y(value, top) - size / 2,
            size,
            size,
            kind=tone_of(state),
            title=told,
            rounded=size / 2,
        )
        for place, (state, value, told) in enumerate(values)
    ]
    return drawing(
        shapes,
        width=WIDTH,
        height=HEIGHT,
        title=title,
        description=_("median %(p50)s, 95th percentile %(p95)s, longest %(top)s")
        % {"p50": length(p50) or "-", "p95": length(p95) or "-", "top": length(highest) or "-"},
        kind="curve",
    )


def curve(values: Sequence[float], *, title: str, description: str) -> SafeString:
    """Draw numbers as a line, the oldest first."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    span = (high - low) or 1.0
    step = WIDTH / max(len(values) - 1, 1)
    points = [
        f"{number(place * step)} {number(HEIGHT - 6 - (HEIGHT - 12) * (value - low) / span)}"
        for place, value in enumerate(values)
    ]
    shapes = [line(0, HEIGHT, WIDTH, HEIGHT, kind="grid")]
    if points:
        shapes.append(path(f"M{'L'.join(points)}", kind="stroke"))
    return drawing(
        shapes, width=WIDTH, height=HEIGHT, title=title, description=description, kind="curve"
    )


def _y(value: timedelta, top: float) -> float:
    return HEIGHT - 6 - (HEIGHT - 12) * min(value.total_seconds() / top, 1.0)
