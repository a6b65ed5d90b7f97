"""Jobs against time: past runs as bars, what is to come as ghosts, what begins together above."""

from datetime import datetime, timedelta

from django.http import HttpResponse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from schedules.dashboard.drawing.timeline import herd, job_line, told
from schedules.dashboard.guard import page, show
from schedules.dashboard.reader import Reader
from schedules.dashboard.words.states import STACK
from schedules.operations.timeline import Timeline
from schedules.operations.timeline import timeline as timeline_of
from schedules.operations.wording import iso_seconds

SPANS = (
    ("1h", timedelta(hours=1), _("an hour")),
    ("6h", timedelta(hours=6), _("six hours")),
    ("1d", timedelta(days=1), _("a day")),
    ("7d", timedelta(days=7), _("a week")),
)
USUAL = "6h"
AHEAD = 4
"""The last of so many parts of the stretch lies in the future, unless a time is chosen."""

TICKS = 6
MOST_PAGES = 10_000
LISTED = 4
"""Runs of each job in the table, the newest."""


@page
def timeline(reader: Reader) -> HttpResponse:
    """Show a page of jobs over the chosen stretch of time. At most four statements beside the
    session's."""
    query = reader.request.GET
    lengths = {key: length for key, length, _word in SPANS}
    span = query.get("span", USUAL)
    span = span if span in lengths else USUAL
    length = lengths[span]
    chosen = _instant(query.get("at", ""))
    begin = chosen or reader.now - length * (AHEAD - 1) / AHEAD
    begin = begin.replace(microsecond=0)  # runs are told in seconds after it
    number = query.get("page", "1")
    shown = timeline_of(
        since=begin,
        until=begin + length,
        now=reader.now,
        text=query.get("q", "").strip()[:200],
        page=int(number) if number.isdecimal() and 0 < int(number) <= MOST_PAGES else 1,
    )
    context = {
        "here": "timeline",
        "shown": shown,
        "lines": [
            {
                "line": each,
                "drawing": job_line(each, within=shown, now=reader.now),
                "told": told(each),
                "runs": [
                    {"run": run, "at": begin + timedelta(seconds=round(run.scheduled, 2))}
                    for run in reversed(each.runs[-LISTED:])
                ],
            }
            for each in shown.lines
        ],
        "herd": herd(shown),
        "ticks": _ticks(reader, shown),
        "spans": SPANS,
        "span": span,
        "text": query.get("q", "").strip()[:200],
        "at": iso_seconds(begin) if chosen else "",
        "earlier": iso_seconds(begin - length / 2),
        "later": iso_seconds(begin + length / 2),
        "stack": STACK,
    }
    return show(reader, "schedules/timeline.html", context)


def _ticks(reader: Reader, shown: Timeline) -> list[str]:
    step = (shown.until - shown.since) / TICKS
    return [reader.shown(shown.since + place * step) for place in range(TICKS + 1)]


def _instant(text: str) -> datetime | None:
    """Read the begin in the address; what makes no sense there is none."""
    try:
        instant = parse_datetime(text) if text else None
    except ValueError:
        return None
    is_sane = instant is not None and instant.tzinfo is not None and 1970 < instant.year < 2999
    return instant if is_sane else None
