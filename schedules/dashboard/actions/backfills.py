"""Running a job for what lies in the past: asked with what would run, and called off again."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from schedules.access.permissions import may_operate
from schedules.dashboard.actions.jobs import SOURCE
from schedules.dashboard.actions.questions import Question, ask, done, instant_of, reason_of
from schedules.dashboard.guard import action
from schedules.dashboard.pages.job import job_or_404
from schedules.dashboard.reader import Reader
from schedules.dashboard.words.backfills import STOOD
from schedules.dashboard.words.names import job_name
from schedules.errors import InvalidInput, Refused
from schedules.models import Job
from schedules.operations.backfill import (
    cancel_backfill,
    choose,
    create_backfill,
    find_backfill,
)
from schedules.operations.upcoming import zone_of
from schedules.states import Which

MOST_LISTED = 20
"""Occurrences that are named in the question."""


@action(may_operate)
def new_backfill(reader: Reader, *, number: int) -> HttpResponse:
    """Ask which occurrences, then say what would run, and only then let it run."""
    job = job_or_404(number)
    back = f"{reverse('scheduler:job', kwargs={'number': number})}?tab=backfills"
    question = _question(job)
    if reader.request.method != "POST":
        return ask(reader, question, back=back)
    try:
        asked = _asked(reader, job)
        chosen = choose(job, **asked)
        if reader.request.POST.get("counted") != str(len(chosen)) or not chosen:
            zone = zone_of(job)
            subjects = [
                f"{reader.shown(each.at, zone, seconds=True)} · {STOOD[each.stood]}"
                for each in chosen[:MOST_LISTED]
            ]
            return ask(reader, _question(job, subjects=subjects, number=len(chosen)), back=back)
        create_backfill(
            job,
            **asked,
            at_once=_at_once(reader),
            by=reader.request.user,
            source=SOURCE,
            reason=reason_of(reader),
        )
    except (InvalidInput, Refused) as error:
        status = 422 if isinstance(error, InvalidInput) else 409
        return ask(reader, question, back=back, problem=str(error), status=status)
    return done(reader, _("The backfill of %(job)s has begun.") % {"job": job_name(job)}, back=back)


@action(may_operate)
def end_backfill(reader: Reader, *, backfill_id: UUID) -> HttpResponse:
    """Ask about calling a backfill off, or do it."""
    backfill = find_backfill(backfill_id)
    if backfill is None:
        raise Http404
    back = f"{reverse('scheduler:job', kwargs={'number': backfill.job_id})}?tab=backfills"
    question = Question(
        title=_("Call the backfill of %(job)s off?") % {"job": job_name(backfill.job)},
        consequence=_(
            "Nothing more of it is planned, and what waits is cancelled. What runs goes on."
        ),
        button=_("Call it off"),
    )
    if reader.request.method != "POST":
        return ask(reader, question, back=back)
    if not cancel_backfill(
        backfill, by=reader.request.user, source=SOURCE, now=reader.now, reason=reason_of(reader)
    ):
        problem = _("It has ended already.")
        return ask(reader, question, back=back, problem=problem, status=409)
    return done(
        reader,
        _("The backfill of %(job)s is called off.") % {"job": job_name(backfill.job)},
        back=back,
    )


def _question(job: Job, *, subjects: list[str] | None = None, number: int = 0) -> Question:
    if subjects is None:
        consequence = _(
            "It runs once for each of these occurrences, with the nominal time of each."
            " The timetable goes on beside it and goes first."
        )
        button = _("Show what would run")
    elif number:
        consequence = _("Occurrences that would run: %(number)d") % {"number": number}
        button = _("Run them")
    else:
        consequence = _("There is no such occurrence in that range.")
        button = _("Show what would run")
    return Question(
        title=_("Backfill %(job)s?") % {"job": job_name(job)},
        consequence=consequence,
        button=button,
        fields=("range", "reason"),
        zone=zone_of(job),
        subjects=subjects or (),
        hidden=(("counted", str(number)),) if number else (),
    )


def _asked(reader: Reader, job: Job) -> dict[str, Any]:
    zone = zone_of(job)
    which = reader.request.POST.get("which", "")
    if which not in Which.values:
        raise InvalidInput("which", which, "missed, failed or all")
    return {
        "first": instant_of(reader, "from", zone=zone),
        "last": instant_of(reader, "to", zone=zone),
        "which": Which(which),
        "newest_first": reader.request.POST.get("order") == "newest_first",
        "now": reader.now,
    }


def _at_once(reader: Reader) -> int:
    text = reader.request.POST.get("at_once", "1")
    if not (text.isascii() and text.isdecimal() and len(text) < 3):
        raise InvalidInput("at_once", text, "a whole number from 1 to 10")
    return int(text)
