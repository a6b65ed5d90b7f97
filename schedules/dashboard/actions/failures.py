"""Acting on all failures of one cause: again, or nothing more."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from schedules.access.permissions import may_operate
from schedules.dashboard.actions.jobs import SOURCE
from schedules.dashboard.actions.questions import Question, ask, done, reason_of
from schedules.dashboard.guard import action
from schedules.dashboard.pages.runs import PERIODS, USUAL_PERIOD
from schedules.dashboard.reader import Reader
from schedules.errors import InvalidInput, Refused
from schedules.operations.failures import Group, group_failures
from schedules.operations.recovery import Period, dismiss_group, retry_group


@action(may_operate)
def act_on_failures(reader: Reader, *, group_id: str, verb: str) -> HttpResponse:
    """Ask about, or carry out, one verb on a group of the failures page."""
    if verb not in VERBS:
        raise Http404
    sent = reader.request.POST if reader.request.method == "POST" else reader.request.GET
    lengths = {key: length for key, length, _word in PERIODS}
    chosen = sent.get("period", "")
    chosen = chosen if chosen in lengths else USUAL_PERIOD
    period = Period(since=reader.now - lengths[chosen], until=reader.now)
    back = f"{reverse('scheduler:failures')}?period={chosen}"
    found = group_failures(since=period.since, until=period.until).groups
    group = next((each for each in found if each.id == group_id), None)
    if group is None:
        words = _("Somebody has dealt with these failures, or they are older by now.")
        return done(reader, words, back=back, level=messages.WARNING)
    question = _question(group, verb, chosen)
    if reader.request.method != "POST":
        return ask(reader, question, back=back)
    try:
        words = VERBS[verb](reader, group, period)
    except (InvalidInput, Refused) as error:
        status = 422 if isinstance(error, InvalidInput) else 409
        return ask(reader, question, back=back, problem=str(error), status=status)
    return done(reader, words, back=back)


def _question(group: Group, verb: str, period: str) -> Question:
    named = {"number": group.number, "subject": group.subject}
    title = ngettext(
        "%(number)s failure of %(subject)s", "%(number)s failures of %(subject)s", group.number
    )
    is_retry = verb == "retry"
    consequence = (
        _(
            "Each runs again as a new run, for its own nominal time, up to 1,000 of them. The old"
            " runs keep their outcome and are no longer listed."
        )
        if is_retry
        else _("They stay failed and are no longer listed as something to do.")
    )
    return Question(
        title=title % named,
        consequence=consequence,
        button=_("Run all again") if is_retry else _("Dismiss all"),
        here="runs",
        is_grave=is_retry,
        reason_is_needed=not is_retry,
        hidden=(("period", period),),
    )


def _retry(reader: Reader, group: Group, period: Period) -> str:
    result = retry_group(
        group.id,
        period=period,
        by=reader.request.user,
        source=SOURCE,
        now=reader.now,
        reason=reason_of(reader),
    )
    for sentence in result.refused:
        messages.warning(reader.request, sentence)
    return _("Run again: %(number)s. Left: %(left)s.") % {
        "number": result.runs,
        "left": result.left,
    }


def _dismiss(reader: Reader, group: Group, period: Period) -> str:
    number = dismiss_group(
        group.id,
        period=period,
        by=reader.request.user,
        source=SOURCE,
        now=reader.now,
        reason=reason_of(reader),
    )
    return _("Dismissed: %(number)s.") % {"number": number}


VERBS = {"retry": _retry, "dismiss": _dismiss}
