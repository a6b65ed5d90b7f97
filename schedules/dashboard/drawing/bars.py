"""Outcomes by hour, as stacked bars."""

from collections.abc import Callable, Sequence
from datetime import datetime

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from schedules.dashboard.drawing.canvas import drawing, line, rectangle
from schedules.dashboard.words.states import STACK
from schedules.operations.outcomes import Hour

WIDTH, HEIGHT = 720.0, 120.0
LEAST = 2.0
"""The height of a single failure among thousands: it must be seen."""


def outcome_bars(hours: Sequence[Hour], *, show: Callable[[datetime], str]) -> SafeString:
    """Draw one bar for each hour; `show` writes an instant for the reader."""
    most = max((hour.total for hour in hours), default=0)
    step = WIDTH / max(len(hours), 1)
    shapes = [line(0, HEIGHT * part, WIDTH, HEIGHT * part, kind="grid") for part in (0.0, 0.5, 1.0)]
    for place, hour in enumerate(hours):
        bottom = HEIGHT
        for tone, states, _word in STACK:
            occurrences = hour.of([str(state) for state in states])
            if not occurrences:
                continue
            height = max(LEAST, HEIGHT * 0.94 * occurrences / most)
            bottom -= height
            shapes.append(
                rectangle(
                    place * step + step * 0.14, bottom, step * 0.72, height, kind=tone, rounded=1.5
                )
            )
        shapes.append(
            rectangle(place * step, 0, step, HEIGHT, kind="touch", title=_told(hour, show=show))
        )
    return drawing(
        shapes,
        width=WIDTH,
        height=HEIGHT,
        title=_("Outcomes per hour, last 24 hours"),
        description=_("Busiest hour: %(number)s. The same figures follow as a table.")
        % {"number": most},
        kind="bars",
    )


def _told(hour: Hour, *, show: Callable[[datetime], str]) -> str:
    parts = [
        f"{number} {word}"
        for _tone, states, word in STACK
        if (number := hour.of([str(state) for state in states]))
    ]
    return f"{show(hour.begins_at)}: {', '.join(parts) or _('nothing')}"
