"""Acting on one job: run now, pause, resume, enable, disable, delete."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from schedules.access import actor_name, may_view
from schedules.access.permissions import Actor, may_manage, may_operate
from schedules.dashboard.actions.questions import (
    Question,
    ask,
    asked_once,
    done,
    end_of_pause,
    key_of,
    reason_of,
)
from schedules.dashboard.guard import action
from schedules.dashboard.pages.job import job_or_404
from schedules.dashboard.reader import Reader
from schedules.dashboard.words.names import job_name
from schedules.errors import InvalidInput, Refused
from schedules.models import Job
from schedules.operations.switch import (
    delete_job,
    disable_job,
    enable_job,
    pause_job,
    resume_job,
)
from schedules.operations.trigger import trigger
from schedules.operations.upcoming import zone_of

SOURCE: Final = "dashboard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One thing to do with a job: who may, what is asked, and the doing, which says what it did."""

    may: Callable[[Actor], bool]
    question: Callable[[Job], Question]
    do: Callable[[Reader, Job], str]


@action(may_view)
def act_on_job(reader: Reader, *, number: int, verb: str) -> HttpResponse:
    """Ask about, or carry out, one verb on one job."""
    chosen = VERBS.get(verb)
    if chosen is None:
        raise Http404
    if not chosen.may(reader.request.user):
        raise PermissionDenied
    job = job_or_404(number)
    back = reverse("scheduler:job", kwargs={"number": number})
    question = chosen.question(job)
    if reader.request.method != "POST":
        return ask(reader, question, back=back)
    try:
        words = chosen.do(reader, job)
    except (InvalidInput, Refused) as error:
        status = 422 if isinstance(error, InvalidInput) else 409
        return ask(reader, question, back=back, problem=str(error), status=status)
    return done(reader, words, back=back if verb != "delete" else reverse("scheduler:jobs"))


def _ask_run(job: Job) -> Question:
    is_off = not job.is_enabled
    return Question(
        title=_("Run %(job)s now?") % {"job": job_name(job)},
        consequence=_("It runs once, at once, beside its timetable, which does not change."),
        button=_("Run now"),
        fields=("even_if_disabled", "reason") if is_off else ("reason",),
        hidden=asked_once(),
    )


def _run(reader: Reader, job: Job) -> str:
    run = trigger(
        job,
        now=reader.now,
        by=actor_name(reader.request.user),
        source=SOURCE,
        reason=reason_of(reader),
        even_if_disabled=reader.request.POST.get("even_if_disabled") == "yes",
        idempotency_key=key_of(reader, job.pk),
    )
    return _("%(job)s runs: %(run)s.") % {"job": job_name(job), "run": run.task_id}


def _ask_pause(job: Job) -> Question:
    return Question(
        title=_("Pause %(job)s?") % {"job": job_name(job)},
        consequence=_(
            "What comes due meanwhile is skipped, each with this reason, and so is what waits now."
            " A running run goes on."
        ),
        button=_("Pause"),
        fields=("until", "reason"),
        zone=zone_of(job),
    )


def _pause(reader: Reader, job: Job) -> str:
    until = end_of_pause(reader, zone=zone_of(job))
    pause_job(
        job,
        by=reader.request.user,
        source=SOURCE,
        now=reader.now,
        until=until,
        reason=reason_of(reader),
    )
    return _("%(job)s is paused.") % {"job": job_name(job)}


def _ask_resume(job: Job) -> Question:
    return Question(
        title=_("Resume %(job)s?") % {"job": job_name(job)},
        consequence=_("It runs again from its next occurrence on. What was skipped stays skipped."),
        button=_("Resume"),
    )


def _resume(reader: Reader, job: Job) -> str:
    resume_job(job, by=reader.request.user, source=SOURCE, now=reader.now, reason=reason_of(reader))
    return _("%(job)s is resumed.") % {"job": job_name(job)}


def _ask_enable(job: Job) -> Question:
    return Question(
        title=_("Enable %(job)s?") % {"job": job_name(job)},
        consequence=_("It runs by its timetable again, from its next occurrence after now on."),
        button=_("Enable"),
    )


def _enable(reader: Reader, job: Job) -> str:
    enable_job(job, by=reader.request.user, source=SOURCE, now=reader.now, reason=reason_of(reader))
    return _("%(job)s is enabled.") % {"job": job_name(job)}


def _ask_disable(job: Job) -> Question:
    return Question(
        title=_("Disable %(job)s?") % {"job": job_name(job)},
        consequence=_(
            "Nothing is planned until it is enabled again, and what waits now is skipped."
            " A running run goes on."
        ),
        button=_("Disable"),
        is_grave=job.is_primary,
    )


def _disable(reader: Reader, job: Job) -> str:
    disable_job(
        job, by=reader.request.user, source=SOURCE, now=reader.now, reason=reason_of(reader)
    )
    return _("%(job)s is disabled.") % {"job": job_name(job)}


def _ask_delete(job: Job) -> Question:
    return Question(
        title=_("Delete %(job)s?") % {"job": job_name(job)},
        consequence=_(
            "It is listed no more and never runs again; what waits of it is cancelled."
            " Its runs and its audit stay."
        ),
        button=_("Delete"),
        is_grave=True,
    )


def _delete(reader: Reader, job: Job) -> str:
    delete_job(job, by=reader.request.user, source=SOURCE, now=reader.now, reason=reason_of(reader))
    return _("%(job)s is deleted.") % {"job": job_name(job)}


VERBS = {
    "run": Verb(may=may_operate, question=_ask_run, do=_run),
    "pause": Verb(may=may_operate, question=_ask_pause, do=_pause),
    "resume": Verb(may=may_operate, question=_ask_resume, do=_resume),
    "enable": Verb(may=may_operate, question=_ask_enable, do=_enable),
    "disable": Verb(may=may_operate, question=_ask_disable, do=_disable),
    "delete": Verb(may=may_manage, question=_ask_delete, do=_delete),
}
