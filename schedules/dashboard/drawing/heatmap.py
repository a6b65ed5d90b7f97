"""A year of days, coloured by what happened, the worst at the foot; the coming ones by what is
planned.
"""

from collections.abc import Mapping
from datetime import date, timedelta

from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from schedules.dashboard.drawing.canvas import drawing, rectangle, text
from schedules.dashboard.words.states import sign_of, tone_of
from schedules.states import RunState

STEP, CELL = 13.0, 11.0
TOP = 16.0
LEAST = 3.5
"""The height of one failure among hundreds of successes."""
WEEKS_BACK, WEEKS_AHEAD = 52, 4

GRAVEST = (
    RunState.FAILED,
    RunState.TIMED_OUT,
    RunState.LOST,
    RunState.MISSED,
    RunState.SUCCEEDED,
    RunState.SKIPPED,
    RunState.CANCELLED,
)

Counts = Mapping[str, int]


def year(past: Mapping[date, Counts], ahead: Mapping[date, int], *, today: date) -> SafeString:
    """Draw 52 weeks back and four ahead, a column for each week, Monday on top.

    `past` counts occurrences by state, `ahead` those that are planned.
    """
    monday = today - timedelta(days=today.weekday())
    first = monday - timedelta(weeks=WEEKS_BACK)
    weeks = WEEKS_BACK + 1 + WEEKS_AHEAD
    most = max((sum(counts.values()) for counts in past.values()), default=0)
    shapes = []
    for week in range(weeks):
        begin = first + timedelta(weeks=week)
        if begin.day <= 7 and week < weeks - 2:
            shapes.append(text(week * STEP, 10, date_format(begin, "M")))
        for weekday in range(7):
            day = begin + timedelta(days=weekday)
            counts = past.get(day, {})
            kind, told = _cell(day, counts, ahead.get(day, 0), today=today, most=most)
            x, y = week * STEP, TOP + weekday * STEP
            title = f"{date_format(day, 'D j M Y')}: {told}"
            shapes.append(rectangle(x, y, CELL, CELL, kind=kind, title=title, rounded=2))
            worst, share = _worst(counts)
            if share:
                height = max(LEAST, CELL * share)
                shapes.append(
                    rectangle(
                        x, y + CELL - height, CELL, height, kind=worst, title=title, rounded=1
                    )
                )
    return drawing(
        shapes,
        width=weeks * STEP - (STEP - CELL),
        height=TOP + 7 * STEP - (STEP - CELL),
        title=_("Twelve months by day, and the next four weeks"),
        description=_("A day has the colour of most of its outcomes, and at its foot the gravest."),
        kind="heatmap",
    )


def _cell(day: date, counts: Counts, planned: int, *, today: date, most: int) -> tuple[str, str]:
    told = ", ".join(
        f"{counts[state]} {sign_of(state).word}" for state in GRAVEST if state in counts
    )
    if day > today or (day == today and not counts):
        words = _("%(number)s planned") % {"number": planned} if planned else _("nothing planned")
        return ("ahead" if planned else "empty"), words
    usual = max(counts, key=lambda state: counts[state], default=None)
    if usual is None:
        return "empty", _("nothing")
    strength = 1 + (3 * sum(counts.values()) - 1) // most if most else 1
    return f"{tone_of(usual)} strength-{min(strength, 3)}", told


def _worst(counts: Counts) -> tuple[str, float]:
    """The tone of the gravest outcome, and its share; no share where it is the usual one."""
    usual = max(counts, key=lambda state: counts[state], default=None)
    worst = next((state for state in GRAVEST if counts.get(state)), None)
    if usual is None or worst is None or tone_of(worst) == tone_of(usual):
        return "", 0.0
    return tone_of(worst), counts[worst] / sum(counts.values())
