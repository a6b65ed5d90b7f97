"""The next hour, minute by minute: where many jobs begin together."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from schedules.dashboard.drawing.canvas import drawing, line, rectangle

MINUTES = 60
WIDTH, HEIGHT = 720.0, 44.0


def next_hour(instants: Sequence[datetime], *, now: datetime) -> SafeString:
    """Draw how many occurrences lie in each of the next sixty minutes."""
    counts = [0] * MINUTES
    for instant in instants:
        place = (instant - now) // timedelta(minutes=1)
        if 0 <= place < MINUTES:
            counts[place] += 1
    most = max(counts)
    step = WIDTH / MINUTES
    shapes = [line(0, HEIGHT - 0.5, WIDTH, HEIGHT - 0.5, kind="grid")]
    shapes += [
        line(step * quarter, 0, step * quarter, HEIGHT, kind="grid") for quarter in (15, 30, 45)
    ]
    for place, number in enumerate(counts):
        if not number:
            continue
        height = 4 + (HEIGHT - 6) * number / most
        told = ngettext("%(number)s occurrence", "%(number)s occurrences", number)
        title = _("in %(minutes)s min: %(told)s") % {
            "minutes": place,
            "told": told % {"number": number},
        }
        shapes.append(
            rectangle(
                place * step + 1.5,
                HEIGHT - height,
                step - 3,
                height,
                kind="calm",
                title=title,
                rounded=1.5,
            )
        )
    total = sum(counts)
    return drawing(
        shapes,
        width=WIDTH,
        height=HEIGHT,
        title=_("The next 60 minutes"),
        description=ngettext("%(number)s occurrence", "%(number)s occurrences", total)
        % {"number": total},
        kind="strip",
    )
