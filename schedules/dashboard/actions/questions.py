"""Questions before something is done: what will happen, what else to say, and where to go then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.dateparse import parse_datetime
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from schedules.dashboard.guard import show
from schedules.dashboard.reader import Reader
from schedules.dashboard.words.marks import mark_in_words
from schedules.errors import InvalidInput
from schedules.timing.marks import mark_of_wall
from schedules.timing.zones import shown_at

LENGTHS = (
    ("", None, gettext_lazy("until resumed")),
    ("1h", timedelta(hours=1), gettext_lazy("for an hour")),
    ("4h", timedelta(hours=4), gettext_lazy("for four hours")),
    ("1d", timedelta(days=1), gettext_lazy("for a day")),
    ("7d", timedelta(days=7), gettext_lazy("for a week")),
    ("at", None, gettext_lazy("until the time below")),
)
"""How long a pause may last, in the order in which they are offered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person is asked. Which fields there are is said by their names in `fields`:
    `reason`, `until`, `at`, `range`, `upstream`, `even_if_disabled`, `drain`.
    """

    title: str
    consequence: str
    button: str
    here: str = "jobs"
    is_grave: bool = False
    fields: Sequence[str] = ("reason",)
    reason_is_needed: bool = False
    zone: str = "UTC"
    at: datetime | None = None
    hidden: Sequence[tuple[str, str]] = ()
    subjects: Sequence[str] = ()
    suggestions: Sequence[str] = ()
    """Keys of jobs to choose from."""


def ask(
    reader: Reader, question: Question, *, back: str, problem: str = "", status: int = 200
) -> HttpResponse:
    """Show the question; `back` is where one goes who decides against it."""
    zone = ZoneInfo(reader.zone(question.zone))
    context: dict[str, Any] = {
        "here": question.here,
        "question": question,
        "problem": problem,
        "back": _came_from(reader.request) or back,
        "zone": zone.key,
        "at": question.at.astimezone(zone).strftime("%Y-%m-%dT%H:%M") if question.at else "",
        "lengths": LENGTHS,
        "sent": reader.request.POST,
    }
    return show(reader, "schedules/question.html", context, status=status)


def done(reader: Reader, words: str, *, back: str, level: int = messages.SUCCESS) -> HttpResponse:
    """Say that it was done, and go back to where the question was asked."""
    messages.add_message(reader.request, level, words)
    return HttpResponseRedirect(_came_from(reader.request) or back)


def reason_of(reader: Reader) -> str:
    """Return the reason that was given."""
    return str(reader.request.POST.get("reason", "")).strip()[:1000]


def asked_once() -> tuple[tuple[str, str], ...]:
    """Return the hidden field by which a form that is sent twice is known."""
    return (("key", uuid4().hex),)


def key_of(reader: Reader, subject: object) -> str | None:
    """Return the idempotency key of a form that may run several subjects, for one of them."""
    key = str(reader.request.POST.get("key", ""))[:64]
    return f"dashboard:{key}:{subject}" if key else None


def end_of_pause(reader: Reader, *, zone: str) -> datetime | None:
    """Return when the pause is to end; None for when somebody resumes. Raises InvalidInput."""
    length = reader.request.POST.get("length", "")
    known = {key: span for key, span, _word in LENGTHS}
    if length not in known:
        raise InvalidInput("until", length, "one of the lengths that are offered")
    if length == "at":
        return instant_of(reader, "until", zone=zone)
    span = known[length]
    return None if span is None else reader.now + span


def instant_of(reader: Reader, field: str, *, zone: str) -> datetime:
    """Return the date and time in a field, which are on the clock that the page shows.

    One that does not exist there comes when the gap ends, one that is shown twice the first time.
    Raises InvalidInput for an empty or unreadable one.
    """
    text = str(reader.request.POST.get(field, "")).strip()
    try:
        instant = parse_datetime(text)
    except ValueError:
        instant = None
    if instant is None:
        raise InvalidInput(field, text, _("a date and a time, for example 2026-03-29 14:30"))
    if instant.tzinfo is None:
        instant = shown_at(ZoneInfo(reader.zone(zone)), wall=instant)
    return instant


def clock_words(reader: Reader, field: str, *, zone: str) -> str:
    """Say what the clock that the page shows makes of the time that `instant_of` has read."""
    wall = parse_datetime(str(reader.request.POST.get(field, "")).strip())
    if wall is None or wall.tzinfo is not None:
        return ""
    mark = mark_of_wall(ZoneInfo(reader.zone(zone)), wall=wall)
    return "" if mark is None else f" {mark_in_words(mark)}."


def _came_from(request: HttpRequest) -> str:
    """Return the page on which the question was asked, if it is one of ours."""
    given = (
        request.POST.get("next")
        or request.headers.get("HX-Current-URL")
        or request.headers.get("Referer", "")
    )
    if not url_has_allowed_host_and_scheme(
        given, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return ""
    parts = urlsplit(given)
    if parts.path == request.path:  # the question itself
        return ""
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
