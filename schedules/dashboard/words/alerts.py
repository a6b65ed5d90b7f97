"""Alert rules and channels in words."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from schedules.dashboard.words.lengths import length
from schedules.models import AlertRule
from schedules.states import AlertKind, ChannelKind

KINDS = {
    AlertKind.FAILED: gettext_lazy("failed, lost or timed out"),
    AlertKind.FAILING: gettext_lazy("failed several times in a row"),
    AlertKind.RECOVERED: gettext_lazy("recovered"),
    AlertKind.MISSED: gettext_lazy("missed"),
    AlertKind.LATE: gettext_lazy("late"),
    AlertKind.LOST: gettext_lazy("lost"),
    AlertKind.SLOW: gettext_lazy("took too long"),
    AlertKind.SUSPECT: gettext_lazy("succeeded, but suspect"),
    AlertKind.SUCCEEDED: gettext_lazy("succeeded"),
    AlertKind.COMPLETED: gettext_lazy("ended, however it did"),
    AlertKind.BEAT_SILENT: gettext_lazy("no Beat is ticking"),
    AlertKind.OUTBOX_STUCK: gettext_lazy("the outbox is stuck"),
    AlertKind.TEST: gettext_lazy("a test"),
}

CHANNEL_KINDS = {
    ChannelKind.EMAIL: gettext_lazy("e-mail"),
    ChannelKind.WEBHOOK: gettext_lazy("signed webhook"),
    ChannelKind.SLACK: gettext_lazy("Slack-compatible webhook"),
}


def kind_in_words(kind: str) -> object:
    """Return what a rule or a delivery tells of; a kind that nobody knows as it is stored."""
    return KINDS[AlertKind(kind)] if kind in AlertKind.values else kind


def channel_in_words(kind: str) -> object:
    """Return how a channel reaches people; a kind that nobody knows as it is stored."""
    return CHANNEL_KINDS[ChannelKind(kind)] if kind in ChannelKind.values else kind


def rule_in_words(rule: AlertRule) -> str:
    """Return what the rule tells of, with its number and its length of time."""
    if rule.kind == AlertKind.FAILING:
        return ngettext("failed, at once", "failed %(number)s times in a row", rule.times) % {
            "number": rule.times
        }
    if rule.kind == AlertKind.RECOVERED:
        return ngettext(
            "recovered after a failure", "recovered after %(number)s failures or more", rule.times
        ) % {"number": rule.times}
    kind = kind_in_words(rule.kind)
    if rule.after is None:
        return str(kind)
    return _("%(kind)s, by more than %(length)s") % {"kind": kind, "length": length(rule.after)}
