"""Acting on one occurrence that is to come: skip, move, undo."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from schedules.access.permissions import may_operate
from schedules.dashboard.actions.jobs import SOURCE
from schedules.dashboard.actions.questions import (
    Question,
    ask,
    clock_words,
    done,
    instant_of,
    reason_of,
)
from schedules.dashboard.guard import action
from schedules.dashboard.pages.job import job_or_404
from schedules.dashboard.reader import Reader
from schedules.dashboard.words.names import job_name
from schedules.errors import InvalidInput, JobDeleted, Refused
from schedules.models import Job
from schedules.operations.occurrences import (
    change_occurrence,
    restore_occurrence,
    skip_occurrence,
)
from schedules.operations.upcoming import zone_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One thing to do with an occurrence: what is asked, and the doing, which says what it did."""

    question: Callable[[Reader, Job, datetime], Question]
    do: Callable[[Reader, Job, datetime], str]


@action(may_operate)
def act_on_occurrence(reader: Reader, *, number: int, at: str, verb: str) -> HttpResponse:
    """Ask about, or carry out, one verb on the occurrence at the instant `at`."""
    chosen, instant = VERBS.get(verb), instant_named(at)
    if chosen is None or instant is None:
        raise Http404
    job = job_or_404(number)
    back = f"{reverse('scheduler:job', kwargs={'number': number})}?tab=next"
    question = chosen.question(reader, job, instant)
    if reader.request.method != "POST":
        if not job.is_active:
            return ask(reader, question, back=back, problem=str(JobDeleted(job.key)), status=409)
        return ask(reader, question, back=back)
    try:
        words = chosen.do(reader, job, instant)
    except (InvalidInput, Refused) as error:
        status = 422 if isinstance(error, InvalidInput) else 409
        return ask(reader, question, back=back, problem=str(error), status=status)
    return done(reader, words, back=back)


def instant_named(text: str) -> datetime | None:
    """Return the instant in UTC that an address names; None for what is none, or has no zone."""
    try:
        given = datetime.fromisoformat(text)
        instant = given.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # In the first year and the last some zones are outside of the calendar.
    is_shown = MINYEAR < instant.year < MAXYEAR
    return instant if given.tzinfo is not None and is_shown else None


def _named(reader: Reader, job: Job, at: datetime) -> dict[str, object]:
    zone = zone_of(job)
    return {"job": job_name(job), "time": f"{reader.shown(at, zone)} {reader.zone(zone)}"}


def _who(reader: Reader) -> dict[str, Any]:
    facts = {"by": reader.request.user, "source": SOURCE, "now": reader.now}
    return {**facts, "reason": reason_of(reader)}


def _ask_skip(reader: Reader, job: Job, at: datetime) -> Question:
    return Question(
        title=_("Skip %(job)s on %(time)s?") % _named(reader, job, at),
        consequence=_(
            "This one occurrence ends as skipped, with the reason. It can be undone until its time."
        ),
        button=_("Skip"),
    )


def _skip(reader: Reader, job: Job, at: datetime) -> str:
    skip_occurrence(job, at=at, **_who(reader))
    return _("%(job)s is skipped on %(time)s.") % _named(reader, job, at)


def _ask_move(reader: Reader, job: Job, at: datetime) -> Question:
    return Question(
        title=_("Move %(job)s of %(time)s?") % _named(reader, job, at),
        consequence=_(
            "This one occurrence starts at the new time, before or after its own, and still stands"
            " for its own. It can be undone until then."
        ),
        button=_("Move"),
        fields=("at", "reason"),
        zone=zone_of(job),
        at=at,
    )


def _move(reader: Reader, job: Job, at: datetime) -> str:
    to = instant_of(reader, "at", zone=zone_of(job))
    change_occurrence(job, at=at, moved_to=to, **_who(reader))
    words = _("%(job)s of %(time)s is moved.") % _named(reader, job, at)
    return words + clock_words(reader, "at", zone=zone_of(job))


def _ask_restore(reader: Reader, job: Job, at: datetime) -> Question:
    return Question(
        title=_("Let %(job)s run on %(time)s as its timetable says?") % _named(reader, job, at),
        consequence=_(
            "What was said about this one occurrence no longer holds. If its own time has passed,"
            " it runs at once."
        ),
        button=_("Undo"),
    )


def _restore(reader: Reader, job: Job, at: datetime) -> str:
    if restore_occurrence(job, at=at, **_who(reader)) == reader.now:
        return _("%(job)s of %(time)s runs at once.") % _named(reader, job, at)
    return _("%(job)s runs on %(time)s as its timetable says.") % _named(reader, job, at)


VERBS = {
    "skip": Verb(question=_ask_skip, do=_skip),
    "move": Verb(question=_ask_move, do=_move),
    "restore": Verb(question=_ask_restore, do=_restore),
}
