"""The last runs of a job as small bars: height is how long each took, colour how it ended."""

from collections import Counter
from collections.abc import Sequence

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from schedules.dashboard.drawing.canvas import drawing, line, number, path
from schedules.dashboard.words.states import sign_of, tone_of
from schedules.querysets.newest import Glimpse

NUMBER = 60
STEP, BAR = 3.0, 2.0
HEIGHT = 24.0
LOWEST = 5.0
"""So that a run that took no time, or never began, is still seen."""


def sparkline(runs: Sequence[Glimpse]) -> SafeString:
    """Draw up to sixty runs, the newest at the end. One path for each tone keeps pages small."""
    shown = list(runs)[-NUMBER:]
    longest = max((run.seconds or 0.0 for run in shown), default=0.0)
    offset = (NUMBER - len(shown)) * STEP
    paths: dict[str, list[str]] = {}
    for place, run in enumerate(shown):
        share = (run.seconds or 0.0) / longest if longest > 0 else 0.0
        height = LOWEST + (HEIGHT - LOWEST) * share**0.5
        x = offset + place * STEP
        paths.setdefault(tone_of(run.state), []).append(
            f"M{number(x)} {number(HEIGHT)}v-{number(height)}h{number(BAR)}v{number(height)}z"
        )
    base = line(0, HEIGHT - 0.5, NUMBER * STEP, HEIGHT - 0.5, kind="base")
    return drawing(
        [base, *(path("".join(parts), kind=tone) for tone, parts in paths.items())],
        width=NUMBER * STEP,
        height=HEIGHT,
        title=_title(shown),
        description=_("Each bar is a run, the newest last; the higher, the longer it took."),
        kind="sparkline",
    )


def _title(runs: Sequence[Glimpse]) -> str:
    if not runs:
        return _("No run yet")
    counts = Counter(run.state for run in runs)
    parts = ", ".join(f"{number} {sign_of(state).word}" for state, number in counts.most_common())
    return _("Last %(number)s runs: %(parts)s") % {"number": len(runs), "parts": parts}
