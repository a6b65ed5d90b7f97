"""The forms of an alert rule and of a channel; what they hold as the verbs of alerts take it."""

from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from schedules.alerts.channels import LONGEST_NAME, shown_target
from schedules.alerts.rules import (
    AFTER,
    COUNTING,
    KINDS,
    MOST_AFTER,
    MOST_GATHER,
    MOST_TIMES,
    OF_THE_SCHEDULER,
)
from schedules.alerts.rules import (
    LONGEST_NAME as LONGEST_RULE,
)
from schedules.dashboard.words.alerts import CHANNEL_KINDS, kind_in_words
from schedules.models import AlertChannel, AlertRule, Job
from schedules.operations.listing import find_job


class RuleForm(forms.Form):
    """A rule; what is left empty has the kind's own default, and the kind of one that is there
    stays.
    """

    kind = forms.ChoiceField(
        label=_("It tells of"), choices=[(str(kind), kind_in_words(kind)) for kind in KINDS]
    )
    job = forms.CharField(
        label=_("Of which job"),
        max_length=200,
        required=False,
        help_text=_("Left empty: of every job."),
        widget=forms.TextInput(attrs={"list": "jobs", "spellcheck": "false"}),
    )
    times = forms.IntegerField(
        label=_("Failures in a row"),
        required=False,
        min_value=1,
        max_value=MOST_TIMES,
        help_text=_("Left empty: three before it tells of failing, one before recovery."),
    )
    after = forms.IntegerField(
        label=_("Longer than (s)"),
        required=False,
        min_value=1,
        max_value=int(MOST_AFTER.total_seconds()),
        help_text=_("Left empty: ten minutes of work, two of lateness, one of silence."),
    )
    channels = forms.ModelMultipleChoiceField(
        label=_("Channels"),
        queryset=AlertChannel.objects.none(),
        widget=forms.CheckboxSelectMultiple,
    )
    gather = forms.IntegerField(
        label=_("Gather for (s)"),
        required=False,
        min_value=0,
        max_value=int(MOST_GATHER.total_seconds()),
        help_text=_("What arises meanwhile is one message. 0: each by itself."),
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=LONGEST_RULE,
        required=False,
        help_text=_("Left empty, one is made."),
    )
    is_enabled = forms.BooleanField(
        label=pgettext_lazy("a switch", "Enabled"), required=False, initial=True
    )

    def __init__(self, rule: AlertRule | None, job: Job | None, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"job": job.key if job else ""} if rule is None else _of_rule(rule)
        kwargs["label_suffix"] = ""
        super().__init__(*args, **kwargs)
        self.fields["kind"].disabled = rule is not None
        channels: Any = self.fields["channels"]
        channels.queryset = AlertChannel.objects.order_by("name")

    def clean_job(self) -> Job | None:
        """Return the job with the key or number that was entered."""
        reference = self.cleaned_data["job"].strip()
        if not reference:
            return None
        job = find_job(reference)
        if job is None:
            raise ValidationError(_("There is no job with this key."))
        return job

    def values(self) -> dict[str, Any]:
        """Return what belongs to the chosen kind, as `create_rule` and `edit_rule` take it."""
        given = self.cleaned_data
        kind = given["kind"]
        return {
            "name": given["name"],
            "job": None if kind in OF_THE_SCHEDULER else given["job"],
            "channels": list(given["channels"]),
            "times": given["times"] if kind in COUNTING else None,
            "after": _length(given["after"]) if kind in AFTER else None,
            "gather": _length(given["gather"]),
            "is_enabled": given["is_enabled"],
        }


class ChannelForm(forms.Form):
    """A channel; a webhook that is there is shown masked, and kept unless another is entered."""

    name = forms.CharField(label=_("Name"), max_length=LONGEST_NAME)
    kind = forms.ChoiceField(
        label=_("Kind"), choices=[(str(kind), words) for kind, words in CHANNEL_KINDS.items()]
    )
    target = forms.CharField(
        label=_("Where to"),
        max_length=4000,
        help_text=_("Addresses with commas, or the https:// address that is called."),
        widget=forms.TextInput(attrs={"class": "code", "autocomplete": "off"}),
    )
    is_enabled = forms.BooleanField(
        label=pgettext_lazy("a switch", "Enabled"), required=False, initial=True
    )

    def __init__(self, channel: AlertChannel | None, *args: Any, **kwargs: Any) -> None:
        self.channel = channel
        if channel is not None:
            kwargs["initial"] = {
                "name": channel.name,
                "kind": channel.kind,
                "target": shown_target(channel),
                "is_enabled": channel.is_enabled,
            }
        kwargs["label_suffix"] = ""
        super().__init__(*args, **kwargs)
        self.fields["kind"].disabled = channel is not None

    def values(self) -> dict[str, Any]:
        """Return the fields, without the target where it was not touched."""
        values = dict(self.cleaned_data)
        if self.channel is not None:
            del values["kind"]
            if values["target"] == shown_target(self.channel):
                del values["target"]
        return values


def _of_rule(rule: AlertRule) -> dict[str, Any]:
    return {
        "kind": rule.kind,
        "job": rule.job.key if rule.job else "",
        "times": rule.times,
        "after": _seconds(rule.after),
        "channels": list(rule.channels.all()),
        "gather": _seconds(rule.gather),
        "name": rule.name,
        "is_enabled": rule.is_enabled,
    }


def _length(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _seconds(length: timedelta | None) -> int | None:
    return None if length is None else int(length.total_seconds())
