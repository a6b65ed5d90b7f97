"""States and conditions: always a picture, a word and a tone together, never a colour alone."""

from typing import NamedTuple

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from schedules.states import RunState


class Sign(NamedTuple):
    """How a state is shown. `icon` names a picture of `icons.html`."""

    icon: str
    word: object
    tone: str


_SIGNS = {
    "planned": Sign("dot", _("planned"), "calm"),
    "sent": Sign("sent", _("sent"), "calm"),
    "running": Sign("running", _("running"), "live"),
    "retrying": Sign("retry", _("retrying"), "warn"),
    "succeeded": Sign("check", _("succeeded"), "good"),
    "failed": Sign("cross", _("failed"), "bad"),
    "missed": Sign("missed", _("missed"), "warn"),
    "skipped": Sign("skip", _("skipped"), "off"),
    "cancelled": Sign("ban", _("cancelled"), "off"),
    "lost": Sign("lost", _("lost"), "bad"),
    "timed_out": Sign("clock", _("timed out"), "bad"),
    "suspect": Sign("warning", _("suspect"), "warn"),
    # Deliveries of alerts.
    "gathering": Sign("clock", _("gathering"), "calm"),
    "pending": Sign("dot", _("pending"), "calm"),
    # Backfills.
    "open": Sign("running", _("open"), "live"),
    "done": Sign("check", _("done"), "good"),
    # Conditions of jobs.
    "ok": Sign("check", pgettext_lazy("a job", "ok"), "good"),
    "late": Sign("clock", _("late"), "warn"),
    "failing": Sign("cross", _("failing"), "bad"),
    "paused": Sign("pause", _("paused"), "off"),
    "disabled": Sign("ban", _("disabled"), "off"),
    "deleted": Sign("ban", _("deleted"), "off"),
    "invalid": Sign("warning", _("invalid"), "bad"),
    "ended": Sign("dot", pgettext_lazy("a timetable", "ended"), "off"),
    # Beats and workers.
    "starting": Sign("retry", _("starting"), "warn"),
    "stopped": Sign("ban", _("stopped"), "off"),
    "dead": Sign("lost", _("silent"), "bad"),
}

ORIGINS = {
    "timetable": _("timetable"),
    "operator": _("operator"),
    "call": _("call"),
    "dependency": _("dependency"),
    "backfill": _("backfill"),
    "recovery": _("recovery"),
}

STACK = (
    ("good", (RunState.SUCCEEDED,), _("succeeded")),
    ("bad", (RunState.FAILED, RunState.LOST, RunState.TIMED_OUT), _("failed")),
    ("warn", (RunState.MISSED,), _("missed")),
    ("off", (RunState.SKIPPED, RunState.CANCELLED), _("skipped or cancelled")),
)
"""How charts put outcomes together: a tone, its states, its word; from the bottom up."""


def sign_of(state: object) -> Sign:
    """Return how a state of a run, a job or an instance is shown."""
    return _SIGNS.get(str(state), Sign("dot", str(state), "calm"))


def tone_of(state: object) -> str:
    """Return the tone of a state, as classes of the style sheet name it."""
    return sign_of(state).tone
