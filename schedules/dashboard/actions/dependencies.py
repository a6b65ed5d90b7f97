"""Letting a job run after another, and ending that."""

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from schedules.access.permissions import may_manage
from schedules.dashboard.actions.jobs import SOURCE
from schedules.dashboard.actions.questions import Question, ask, done, reason_of
from schedules.dashboard.guard import action
from schedules.dashboard.pages.job import job_or_404
from schedules.dashboard.reader import Reader
from schedules.dashboard.words.names import job_name
from schedules.errors import InvalidInput, Refused
from schedules.models import Job
from schedules.operations import dependencies
from schedules.operations.listing import find_job, job_keys
from schedules.states import After


@action(may_manage)
def new_dependency(reader: Reader, *, number: int) -> HttpResponse:
    """Ask after which job this one is to run, and let it."""
    job = job_or_404(number)
    back = _back(number)
    question = Question(
        title=_("Let %(job)s run after another job?") % {"job": job_name(job)},
        consequence=_(
            "It runs once after each run of that job that ends so, for the same nominal time."
            " Its own timetable, if it has one, goes on beside it."
        ),
        button=_("Let it run after"),
        fields=("upstream", "reason"),
        suggestions=job_keys(),
    )
    if reader.request.method != "POST":
        return ask(reader, question, back=back)
    try:
        upstream, on = _asked(reader)
        dependencies.add_dependency(
            job,
            upstream,
            on=on,
            by=reader.request.user,
            source=SOURCE,
            now=reader.now,
            reason=reason_of(reader),
        )
    except (InvalidInput, Refused) as error:
        status = 422 if isinstance(error, InvalidInput) else 409
        return ask(reader, question, back=back, problem=str(error), status=status)
    words = _("%(job)s runs after %(upstream)s now.") % {
        "job": job_name(job),
        "upstream": job_name(upstream),
    }
    return done(reader, words, back=back)


@action(may_manage)
def remove_dependency(reader: Reader, *, number: int, upstream: int) -> HttpResponse:
    """Ask about, or carry out, ending that a job runs after another."""
    job, other = job_or_404(number), job_or_404(upstream)
    if not dependencies.dependencies_of(job).filter(upstream=other).exists():
        raise Http404
    question = Question(
        title=_("Let %(job)s run after %(upstream)s no more?")
        % {"job": job_name(job), "upstream": job_name(other)},
        consequence=_("What has ended already still has its run; what ends from now on has none."),
        button=_("End it"),
    )
    back = _back(number)
    if reader.request.method != "POST":
        return ask(reader, question, back=back)
    dependencies.remove_dependency(
        job,
        other,
        by=reader.request.user,
        source=SOURCE,
        now=reader.now,
        reason=reason_of(reader),
    )
    words = _("%(job)s runs after %(upstream)s no more.") % {
        "job": job_name(job),
        "upstream": job_name(other),
    }
    return done(reader, words, back=back)


def _asked(reader: Reader) -> tuple[Job, After]:
    key, on = reader.request.POST.get("upstream", "").strip(), reader.request.POST.get("on", "")
    upstream = find_job(key)
    if upstream is None:
        raise InvalidInput("upstream", key, _("the key of a job"))
    if on not in After.values:
        raise InvalidInput("on", on, ", ".join(After.values))
    return upstream, After(on)


def _back(number: int) -> str:
    return f"{reverse('scheduler:job', kwargs={'number': number})}?tab=dependencies"
