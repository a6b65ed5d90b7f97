"""The way of one run as a bar: waiting, travelling, working, each as long as it took."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from schedules.dashboard.drawing.canvas import drawing, rectangle
from schedules.dashboard.words.lengths import length

WIDTH, HEIGHT = 720.0, 14.0
LEAST = 6.0
"""A stretch of no length is still one of the steps."""


class Stretch(NamedTuple):
    """What lay between two steps."""

    words: str
    took: timedelta
    tone: str


def story_bar(stretches: Sequence[Stretch]) -> SafeString:
    """Draw the stretches in proportion, none narrower than what can be seen."""
    total = sum((max(each.took, timedelta(0)) for each in stretches), timedelta(0))
    room = WIDTH - LEAST * len(stretches)
    shapes, x = [], 0.0
    for each in stretches:
        share = max(each.took, timedelta(0)) / total if total else 0.0
        width = LEAST + room * share
        shapes.append(
            rectangle(
                x,
                0,
                width - 1.5,
                HEIGHT,
                kind=each.tone,
                title=f"{each.words}: {length(each.took)}",
            )
        )
        x += width
    told = ", ".join(f"{each.words} {length(each.took)}" for each in stretches)
    return drawing(
        shapes,
        width=WIDTH,
        height=HEIGHT,
        title=_("Where the time went"),
        description=told,
        kind="story",
    )
