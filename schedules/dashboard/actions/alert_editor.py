"""Making, changing and deleting alert rules and channels."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from schedules.access.permissions import may_manage
from schedules.alerts.calling import signing_secret
from schedules.alerts.channels import create_channel, delete_channel, edit_channel
from schedules.alerts.rules import create_rule, delete_rule, edit_rule
from schedules.dashboard.actions.alert_forms import ChannelForm, RuleForm
from schedules.dashboard.actions.jobs import SOURCE
from schedules.dashboard.actions.questions import Question, ask
from schedules.dashboard.guard import action, show
from schedules.dashboard.reader import Reader
from schedules.errors import InvalidInput
from schedules.models import AlertChannel, AlertRule, Job
from schedules.operations.listing import find_job, job_keys
from schedules.states import ChannelKind


@action(may_manage)
def new_rule(reader: Reader) -> HttpResponse:
    """Make a rule; `?job=` names the job it is about, to whose page one goes back."""
    return _edit_rule(reader, None)


@action(may_manage)
def change_rule(reader: Reader, *, number: int) -> HttpResponse:
    """Change a rule."""
    return _edit_rule(reader, rule_or_404(number))


@action(may_manage)
def remove_rule(reader: Reader, *, number: int) -> HttpResponse:
    """Ask about, or carry out, deleting a rule."""
    rule = rule_or_404(number)
    question = Question(
        title=_("Delete the rule %(rule)s?") % {"rule": rule.name},
        consequence=_("It tells nobody any more; what it has told stays in the list."),
        button=_("Delete"),
        here="alerts",
        is_grave=True,
        fields=(),
    )
    back = reverse("scheduler:alerts")
    if reader.request.method != "POST":
        return ask(reader, question, back=back)
    delete_rule(rule, by=reader.request.user, source=SOURCE, now=reader.now)
    return _gone(reader, _("The rule %(rule)s is deleted.") % {"rule": rule.name})


@action(may_manage)
def new_channel(reader: Reader) -> HttpResponse:
    """Make a channel; what a webhook signs with is shown once."""
    return _edit_channel(reader, None)


@action(may_manage)
def change_channel(reader: Reader, *, number: int) -> HttpResponse:
    """Change a channel."""
    return _edit_channel(reader, channel_or_404(number))


@action(may_manage)
def remove_channel(reader: Reader, *, number: int) -> HttpResponse:
    """Ask about, or carry out, deleting a channel."""
    channel = channel_or_404(number)
    question = Question(
        title=_("Delete the channel %(channel)s?") % {"channel": channel.name},
        consequence=_("Nothing is sent over it any more; what was sent stays in the list."),
        button=_("Delete"),
        here="alerts",
        is_grave=True,
        fields=(),
        subjects=[rule.name for rule in channel.rules.all()[:20]],
    )
    back = reverse("scheduler:alerts")
    if reader.request.method != "POST":
        return ask(reader, question, back=back)
    delete_channel(channel, by=reader.request.user, source=SOURCE, now=reader.now)
    return _gone(reader, _("The channel %(channel)s is deleted.") % {"channel": channel.name})


def rule_or_404(number: int) -> AlertRule:
    """Return the rule with its job."""
    found = AlertRule.objects.select_related("job").filter(pk=number).first()
    if found is None:
        raise Http404
    return found


def channel_or_404(number: int) -> AlertChannel:
    """Return the channel."""
    found = AlertChannel.objects.filter(pk=number).first()
    if found is None:
        raise Http404
    return found


def _edit_rule(reader: Reader, rule: AlertRule | None) -> HttpResponse:
    request = reader.request
    job = find_job(request.GET.get("job", ""))
    form = RuleForm(rule, job, request.POST if request.method == "POST" else None)
    back = _home_of(job)
    if form.is_bound and form.is_valid():
        facts: dict[str, Any] = {"by": request.user, "source": SOURCE, "now": reader.now}
        try:
            if rule is None:
                saved = create_rule(kind=form.cleaned_data["kind"], **form.values(), **facts)
            else:
                saved = edit_rule(rule, changes=form.values(), **facts)
            messages.success(request, _("The rule %(rule)s is saved.") % {"rule": saved.name})
            return HttpResponseRedirect(back)
        except InvalidInput as error:
            _refuse(form, error)
    context = {
        "form": form,
        "rule": rule,
        "job_keys": job_keys(),
        "title": _("New rule") if rule is None else _("Edit %(job)s") % {"job": rule.name},
    }
    return _show(reader, "schedules/rule_form.html", form, back, context)


def _edit_channel(reader: Reader, channel: AlertChannel | None) -> HttpResponse:
    request = reader.request
    form = ChannelForm(channel, request.POST if request.method == "POST" else None)
    back = reverse("scheduler:alerts")
    if form.is_bound and form.is_valid():
        facts: dict[str, Any] = {"by": request.user, "source": SOURCE, "now": reader.now}
        try:
            if channel is None:
                saved = create_channel(**form.values(), **facts)
            else:
                saved = edit_channel(channel, changes=form.values(), **facts)
            _say_saved(reader, saved, is_new=channel is None)
            return HttpResponseRedirect(back)
        except InvalidInput as error:
            _refuse(form, error)
    title = _("New channel") if channel is None else _("Edit %(job)s") % {"job": channel.name}
    context = {"form": form, "channel": channel, "title": title}
    return _show(reader, "schedules/channel_form.html", form, back, context)


def _say_saved(reader: Reader, channel: AlertChannel, *, is_new: bool) -> None:
    said = {"channel": channel.name}
    if is_new and channel.kind != ChannelKind.EMAIL:
        secret = signing_secret(channel)
        words = _("The channel %(channel)s is saved. It signs with %(secret)s; keep it now.")
        messages.success(reader.request, words % {**said, "secret": secret})
    else:
        messages.success(reader.request, _("The channel %(channel)s is saved.") % said)


def _gone(reader: Reader, words: str) -> HttpResponse:
    """Say that it is deleted on the list: the page on which it was asked is gone, too."""
    messages.success(reader.request, words)
    return HttpResponseRedirect(reverse("scheduler:alerts"))


def _refuse(form: forms.Form, error: InvalidInput) -> None:
    field = error.field if error.field in form.fields else None
    form.add_error(field, f"{error.accepted}.")


def _show(
    reader: Reader, template: str, form: forms.Form, back: str, context: dict[str, Any]
) -> HttpResponse:
    status = 422 if form.errors else 200
    return show(reader, template, {"here": "alerts", "back": back, **context}, status=status)


def _home_of(job: Job | None) -> str:
    """Return where one goes afterwards: to the job from whose page one came, or to all rules."""
    if job is None:
        return reverse("scheduler:alerts")
    return f"{reverse('scheduler:job', kwargs={'number': job.pk})}?tab=alerts"
