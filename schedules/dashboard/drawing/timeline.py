"""A job's line in the timeline: runs as bars, one above the other where they overlap, occurrences
to come as ghosts; and above all lines how many begin together.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from schedules.dashboard.drawing.canvas import drawing, line, number, path, rectangle
from schedules.dashboard.words.lengths import length
from schedules.dashboard.words.states import sign_of, tone_of
from schedules.operations.timeline import Line, Timeline
from schedules.querysets.newest import Stretch

WIDTH, HEIGHT = 720.0, 26.0
LEAST = 2.5
"""A run that took no time is still seen."""

GHOST = 4.0
LANES = 3
"""Runs that are drawn one above the other; more of them share the last lane."""

MOST_TOLD = 60
"""With more bars than this each tone is one shape, and none has words of its own."""

BUCKETS = 72
HERD_HEIGHT = 34.0


def job_line(shown: Line, *, within: Timeline, now: datetime) -> SafeString:
    """Draw one job."""
    seconds = (within.until - within.since).total_seconds()
    scale = WIDTH / seconds
    now_at = (now - within.since).total_seconds()
    shapes = [line(0, HEIGHT - 0.5, WIDTH, HEIGHT - 0.5, kind="grid")]
    if shown.drawn_from > within.since:
        cut = (shown.drawn_from - within.since).total_seconds() * scale
        shapes.append(rectangle(0, 0, cut, HEIGHT - 1, kind="unknown", title=_("not drawn")))
    lanes = _lanes(shown.runs, now_at, least=LEAST / scale)
    shapes += _bars(shown.runs, lanes, scale, now_at)
    shapes += [
        rectangle(_ghost(at, within, scale), 5, GHOST, HEIGHT - 11, kind="ghost")
        for at in shown.ahead
    ]
    for state, instants in (("skipped", shown.skipped), ("paused", shown.paused)):
        sign = sign_of(state)
        shapes += [
            rectangle(
                _ghost(at, within, scale), 5, GHOST, HEIGHT - 11, kind=sign.tone, title=sign.word
            )
            for at in instants
        ]
    if 0 <= now_at <= seconds:
        shapes.append(line(now_at * scale, 0, now_at * scale, HEIGHT, kind="now"))
    title = f"{shown.job.key}: {told(shown)}"
    description = _(
        "Bars are runs, outlines what is planned; what overlaps is one above the other."
    )
    return drawing(
        shapes, width=WIDTH, height=HEIGHT, title=title, description=description, kind="timeline"
    )


def herd(shown: Timeline) -> SafeString:
    """Draw how many runs of the jobs shown begin, or are to begin, together."""
    seconds = (shown.until - shown.since).total_seconds()
    past: Counter[int] = Counter()
    ahead: Counter[int] = Counter()
    for each in shown.lines:
        past.update(
            int(run.scheduled / seconds * BUCKETS) for run in each.runs if run.scheduled >= 0
        )
        ahead.update(
            int((at - shown.since).total_seconds() / seconds * BUCKETS) for at in each.ahead
        )
    most = max((past + ahead).values(), default=0)
    step = WIDTH / BUCKETS
    shapes = [line(0, HERD_HEIGHT - 0.5, WIDTH, HERD_HEIGHT - 0.5, kind="grid")]
    for place, many in sorted((past + ahead).items()):
        height = 3 + (HERD_HEIGHT - 5) * many / most
        shapes.append(
            rectangle(
                place * step + 1,
                HERD_HEIGHT - height,
                step - 2,
                height,
                kind="calm" if past[place] else "ghost",
                title=ngettext("%(number)s occurrence", "%(number)s occurrences", many)
                % {"number": many},
                rounded=1,
            )
        )
    return drawing(
        shapes,
        width=WIDTH,
        height=HERD_HEIGHT,
        title=_("How many begin together"),
        description=_("At most %(number)s of the jobs shown.") % {"number": most},
        kind="herd",
    )


def told(shown: Line) -> str:
    """Say in words what a line shows."""
    counts = Counter(run.state for run in shown.runs)
    parts = [f"{many} {sign_of(state).word}" for state, many in counts.most_common()]
    if suspects := sum(run.is_suspect for run in shown.runs):
        parts.append(f"{suspects} {sign_of('suspect').word}")
    if shown.ahead:
        parts.append(_("%(number)s planned") % {"number": len(shown.ahead)})
    if shown.skipped:
        parts.append(_("%(number)s to be skipped") % {"number": len(shown.skipped)})
    if shown.paused:
        parts.append(_("%(number)s in a pause") % {"number": len(shown.paused)})
    return ", ".join(parts) or _("nothing")


def _bars(
    runs: Sequence[Stretch], lanes: Sequence[int], scale: float, now_at: float
) -> list[SafeString]:
    height = (HEIGHT - 4) / (max(lanes, default=0) + 1)
    shapes, paths = list[SafeString](), dict[str, list[str]]()
    for run, lane in zip(runs, lanes, strict=True):
        begin, end = _begin(run), _end(run, now_at)
        x, y = begin * scale, 2 + lane * height
        width = max((end - begin) * scale, LEAST)
        tone = tone_of("suspect" if run.is_suspect else run.state)
        if len(runs) > MOST_TOLD:
            paths.setdefault(tone, []).append(
                f"M{number(x)} {number(y)}h{number(width)}v{number(height - 1)}h-{number(width)}z"
            )
        else:
            word = f"{sign_of(run.state).word}, {length(timedelta(seconds=end - begin))}"
            shapes.append(rectangle(x, y, width, height - 1, kind=tone, title=word, rounded=1))
    return [*shapes, *(path("".join(parts), kind=tone) for tone, parts in paths.items())]


def _lanes(runs: Sequence[Stretch], now_at: float, *, least: float) -> list[int]:
    """Return the lane of each run: the first one that is free when it begins."""
    free_at = [float("-inf")] * LANES
    lanes = []
    for run in runs:
        begin, end = _begin(run), _end(run, now_at)
        lane = next((place for place, at in enumerate(free_at) if at <= begin), LANES - 1)
        free_at[lane] = max(end, begin) if end - begin > least else begin
        lanes.append(lane)
    return lanes


def _ghost(at: datetime, within: Timeline, scale: float) -> float:
    return min((at - within.since).total_seconds() * scale, WIDTH - GHOST)


def _begin(run: Stretch) -> float:
    return max(run.scheduled if run.started is None else run.started, 0.0)


def _end(run: Stretch, now_at: float) -> float:
    if run.started is None:
        return run.scheduled if run.until is None else run.until
    return now_at if run.finished is None else run.finished
