"""Muting a rule, letting it speak again, and trying a channel."""

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from schedules.access.permissions import may_operate
from schedules.alerts.channels import send_test
from schedules.alerts.rules import mute_rule, unmute_rule
from schedules.dashboard.actions.alert_editor import channel_or_404, rule_or_404
from schedules.dashboard.actions.jobs import SOURCE
from schedules.dashboard.actions.questions import Question, ask, done, end_of_pause, reason_of
from schedules.dashboard.guard import action
from schedules.dashboard.reader import Reader
from schedules.errors import InvalidInput, Refused


@action(may_operate)
def mute(reader: Reader, *, number: int) -> HttpResponse:
    """Ask about, or carry out, silencing a rule, for a while or until somebody unmutes it."""
    rule = rule_or_404(number)
    question = Question(
        title=_("Mute %(rule)s?") % {"rule": rule.name},
        consequence=_("What it would tell meanwhile is told to nobody, also not afterwards."),
        button=_("Mute"),
        here="alerts",
        fields=("until", "reason"),
    )
    back = reverse("scheduler:alerts")
    if reader.request.method != "POST":
        return ask(reader, question, back=back)
    try:
        until = end_of_pause(reader, zone="UTC")
        mute_rule(
            rule,
            by=reader.request.user,
            source=SOURCE,
            now=reader.now,
            until=until,
            reason=reason_of(reader),
        )
    except InvalidInput as error:
        return ask(reader, question, back=back, problem=str(error), status=422)
    return done(reader, _("%(rule)s is muted.") % {"rule": rule.name}, back=back)


@action(may_operate)
def unmute(reader: Reader, *, number: int) -> HttpResponse:
    """Ask about, or carry out, letting a rule speak again."""
    rule = rule_or_404(number)
    question = Question(
        title=_("Unmute %(rule)s?") % {"rule": rule.name},
        consequence=_("It tells again what happens from now on."),
        button=_("Unmute"),
        here="alerts",
    )
    back = reverse("scheduler:alerts")
    if reader.request.method != "POST":
        return ask(reader, question, back=back)
    unmute_rule(
        rule, by=reader.request.user, source=SOURCE, now=reader.now, reason=reason_of(reader)
    )
    return done(reader, _("%(rule)s speaks again.") % {"rule": rule.name}, back=back)


@action(may_operate)
def try_channel(reader: Reader, *, number: int) -> HttpResponse:
    """Ask about, or carry out, sending a test message over a channel."""
    channel = channel_or_404(number)
    question = Question(
        title=_("Send a test over %(channel)s?") % {"channel": channel.name},
        consequence=_("Whoever is behind it gets a message that says that nothing is wrong."),
        button=_("Send a test"),
        here="alerts",
        fields=(),
    )
    back = reverse("scheduler:alerts")
    if reader.request.method != "POST":
        return ask(reader, question, back=back)
    try:
        send_test(channel, by=reader.request.user, source=SOURCE, now=reader.now)
    except Refused as error:
        return ask(reader, question, back=back, problem=str(error), status=409)
    words = _("A test is on its way; the list of deliveries says what becomes of it.")
    return done(reader, words, back=back)
