"""Acting on many jobs at once, and on everything."""

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from schedules.access.permissions import may_operate
from schedules.dashboard.actions.jobs import SOURCE, VERBS
from schedules.dashboard.actions.questions import Question, ask, done, reason_of
from schedules.dashboard.guard import action
from schedules.dashboard.reader import Reader
from schedules.errors import InvalidInput, Refused
from schedules.models import Job
from schedules.operations.switch import current_pause, pause_all, resume_all

BULK = ("run", "pause", "resume", "enable", "disable")
MOST = 200


@action(may_operate)
def bulk(reader: Reader) -> HttpResponse:
    """Ask about, or carry out, one verb on the chosen jobs; each is done or refused by itself."""
    sent = reader.request.POST
    back = reverse("scheduler:jobs")
    if reader.request.method != "POST":
        return HttpResponseRedirect(back)
    verb = sent.get("verb", "")
    if verb not in BULK:
        raise Http404
    numbers = [int(text) for text in sent.getlist("job")[:MOST] if text.isdecimal()]
    jobs = list(Job.objects.existing().filter(pk__in=numbers).order_by("key"))
    if not jobs:
        return done(reader, _("Choose at least one job."), back=back, level=messages.WARNING)
    if sent.get("confirmed") != "yes":
        return ask(reader, _question(verb, jobs), back=back)
    refused = []
    for job in jobs:
        try:
            with transaction.atomic():
                VERBS[verb].do(reader, job)
        except (InvalidInput, Refused) as error:
            refused.append(str(error))
    for problem in refused[:10]:
        messages.warning(reader.request, problem)
    number = len(jobs) - len(refused)
    words = ngettext("%(number)s job done.", "%(number)s jobs done.", number) % {"number": number}
    return done(reader, words, back=back)


def _question(verb: str, jobs: list[Job]) -> Question:
    one = VERBS[verb].question(jobs[0])
    title = ngettext("%(button)s: %(number)s job?", "%(button)s: %(number)s jobs?", len(jobs)) % {
        "button": one.button,
        "number": len(jobs),
    }
    return Question(
        title=title,
        consequence=one.consequence,
        button=one.button,
        is_grave=any(job.is_primary for job in jobs) and verb == "disable",
        fields=tuple(name for name in one.fields if name != "even_if_disabled"),
        hidden=(("verb", verb), *(("job", str(job.pk)) for job in jobs), *one.hidden),
        subjects=[job.key for job in jobs],
    )


@action(may_operate)
def halt(reader: Reader) -> HttpResponse:
    """Ask about, or begin, the pause of everything."""
    question = Question(
        title=_("Pause all jobs?"),
        consequence=_(
            "Nothing is planned and nothing begins until somebody resumes. What comes due meanwhile"
            " is skipped with this reason; what runs goes on."
        ),
        button=_("Pause all"),
        here="overview",
        is_grave=True,
        fields=("drain", "reason"),
    )
    back = reverse("scheduler:overview")
    if reader.request.method != "POST":
        return ask(reader, question, back=back)
    was_paused = current_pause() is not None
    pause_all(
        by=reader.request.user,
        source=SOURCE,
        now=reader.now,
        reason=reason_of(reader),
        drain=reader.request.POST.get("drain") == "yes",
    )
    words = _("Everything was paused already.") if was_paused else _("Everything is paused.")
    return done(reader, words, back=back)


@action(may_operate)
def unhalt(reader: Reader) -> HttpResponse:
    """Ask about, or carry out, the end of the pause of everything."""
    question = Question(
        title=_("Resume all jobs?"),
        consequence=_("Each job goes on from its next occurrence. What was skipped stays skipped."),
        button=_("Resume all"),
        here="overview",
    )
    back = reverse("scheduler:overview")
    if reader.request.method != "POST":
        return ask(reader, question, back=back)
    ended = resume_all(
        by=reader.request.user, source=SOURCE, now=reader.now, reason=reason_of(reader)
    )
    return done(reader, _("Resumed.") if ended else _("Nothing was paused."), back=back)
